import test from "ava";
import { Judge, noPermissions, readExec, readFiles, readNet } from "../../core/sandbox/permissions.ts";

const judge = (more: Partial<typeof noPermissions>): Judge => new Judge({ ...noPermissions, ...more });

test("what is no permission says why", (t) => {
	for (const text of [
		"",
		"a b",
		"http://x/",
		"x:0",
		"x:65536",
		"x:http",
		"*",
		"*.com",
		"a.*.b",
		"10.0.0.0/33",
		"name/8",
		"2001:db8::1",
		"[10.0.0.1",
		"[x]:1",
		"12345",
		"-x",
		"a..b",
		`${"a".repeat(64)}.b`,
		`${"a.".repeat(130)}b`,
		"x\u0000y",
	]) {
		t.true("wrong" in readNet(text), text);
	}
	for (const text of ["", "../x", "a/b", "-c", "/a/../b", "/a/", "/a//b", "/a\n"])
		t.true("wrong" in readExec(text), text);
	for (const text of ["", "etc/x", "/a/../b", "/a//b", "/\u0007"]) t.true("wrong" in readFiles(text), text);
});

test("names and ports are judged before anything is looked up", (t) => {
	const it = judge({ net: ["Web.Example.com:443", "db", "*.inner.example.com:80"] });
	t.true(it.mayConnect("web.example.com", 443));
	t.true(it.mayConnect("WEB.example.com.", 443));
	t.false(it.mayConnect("web.example.com", 80));
	t.true(it.mayConnect("db", 1));
	t.false(it.mayConnect("db.example.com", 1));
	t.true(it.mayConnect("a.inner.example.com", 80));
	t.true(it.mayConnect("a.b.inner.example.com", 80));
	t.false(it.mayConnect("inner.example.com", 80));
	t.false(it.mayConnect("evilinner.example.com", 80));
	t.false(it.mayConnect("127.0.0.1", 443));
	t.false(judge({}).mayConnect("db", 1));
});

test("addresses are judged as what they are, however they are written", (t) => {
	const it = judge({ net: ["10.0.0.0/8:80", "127.0.0.1:5432", "[2001:db8::]/32:443", "[::1]"] });
	t.true(it.mayConnect("10.200.3.4", 80));
	t.false(it.mayConnect("11.0.0.1", 80));
	t.false(it.mayConnect("10.1.1.1", 81));
	t.true(it.mayConnect("::ffff:10.1.1.1", 80));
	t.true(it.mayConnect("64:ff9b::10.1.1.1", 80));
	t.true(it.mayConnect("127.0.0.1", 5432));
	t.false(it.mayConnect("127.0.0.2", 5432));
	t.true(it.mayConnect("2001:db8:1::9", 443));
	t.false(it.mayConnect("2001:db9::9", 443));
	t.true(it.mayConnect("0:0:0:0:0:0:0:1", 9));
});

test("what stands behind a permitted name is judged once more", (t) => {
	const it = judge({ net: ["web.example.com", "localhost:5432", "10.0.0.0/8"] });
	for (const address of ["192.168.1.1", "10.1.1.1", "2001:db8::1", "203.0.113.9"]) {
		t.true(it.mayReach("web.example.com", address, 80), address);
	}
	for (const address of [
		"127.0.0.1",
		"127.9.9.9",
		"0.0.0.0",
		"169.254.169.254",
		"224.0.0.1",
		"255.255.255.255",
		"::1",
		"::",
		"fe80::1",
		"fe80::1%eth0",
		"::ffff:127.0.0.1",
		"::ffff:a9fe:a9fe",
		"64:ff9b::7f00:1",
		"2002:7f00:1::",
		"::127.0.0.1",
		"ff02::1",
		"fd00:ec2::254",
		"not an address",
	]) {
		t.false(it.mayReach("web.example.com", address, 80), address);
	}
	t.true(it.mayReach("localhost", "127.0.0.1", 5432));
	t.true(it.mayReach("localhost", "::1", 5432));
	t.false(it.mayReach("localhost", "169.254.1.1", 5432));
	t.true(judge({ net: ["a", "127.0.0.1:80"] }).mayReach("a", "127.0.0.1", 80));
	t.false(judge({ net: ["a", "127.0.0.1:80"] }).mayReach("a", "127.0.0.1", 81));
});

test("programs and files are those that were named", (t) => {
	const it = judge({ exec: ["/usr/bin/true", "probe"], read: ["/etc/hostname", "/var/run/app/", "/data/"] });
	t.true(it.mayRun("/usr/bin/true"));
	t.true(it.mayRun("probe"));
	for (const program of ["true", "/usr/bin/../bin/true", "/bin/true", "./probe", "probe ", ""]) {
		t.false(it.mayRun(program), program);
	}
	t.true(it.mayRead("/etc/hostname"));
	t.true(it.mayRead("/run/app/pid"));
	t.true(it.mayRead("/data/a/b"));
	for (const path of ["/etc/hostname2", "/etc/shadow", "/data", "/database", "/run/app", ""]) {
		t.false(it.mayRead(path), path);
	}
});
