/** Commands for other servers (spec/04 §7): two real daemons, each on an address of its own. */
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { addressOf, ask, clusterXml, install, light, names, type Site, scripts, site } from "./distributedSite.ts";
import type { Server } from "./server.ts";

/** For all tests, one after another: booting takes most of their time. */
let made: Site;
const undo: (() => unknown)[] = [];
test.before(async () => {
	made = await site({ teardown: (work) => void undo.push(work) }, 2);
});
test.after.always(async () => {
	for (const work of undo) await work();
});

test.serial(
	"a server takes a first configuration only while its administrator allows it, and on both sides",
	async (t) => {
		const { servers } = made;
		const [n1, n2] = servers as [Server, Server];
		t.is(n1.run("-H", "*", "-G").code, 1);
		writeFileSync(join(n1.folder, "cluster.xml"), clusterXml(["n1", "n2"]));
		n1.ok("cluster", "config", join(n1.folder, "cluster.xml"));
		const closed = n1.run("-H", "*", "-G");
		t.is(closed.code, 1);
		t.regex(
			closed.err,
			/n2 \(.*\) takes no command from here: it has no cluster configuration, or another one\.\n.*webservercfg -unsecure/,
		);
		t.regex(n2.ok("webservercfg", "-unsecure"), /^Until .*, the first one who reaches TCP port \d+/);
		t.is(n1.run("-H", "*", "-G").code, 1, "this side has not allowed it");
		n1.ok("webservercfg", "-unsecure");
		t.is(n1.run("-H", "n2", "shutdown").code, 1, "nothing but a configuration");
		n2.ok("webservercfg", "-secure");
		t.is(n1.run("-H", "*", "-G").code, 1);
		t.is(n2.run("cluster", "confinfo").code, 1);
		n2.ok("webservercfg", "-unsecure");
		const pushed = n1.run("-H", "*", "-G");
		t.is(pushed.code, 0, pushed.err);
		const check = /Check code ([0-9a-f]{4}(?:-[0-9a-f]{4}){3}): /.exec(pushed.out)?.[1];
		t.truthy(check);
		t.regex(n2.run("cmdlog").out, new RegExp(`first configuration from 127.0.0.1, check code ${check}\n`));
		t.regex(n1.ok("-H", "*", "level"), /SafeKit: [\s\S]*SafeKit: /);
		for (const server of servers) t.false(existsSync(join(server.safevar, "cluster/consent")), "it is over");

		// With a configuration, the consent opens nothing.
		n2.ok("webservercfg", "-unsecure");
		t.is(n1.run("-H", "*", "-G").code, 0);
		t.notRegex(n1.ok("-H", "*", "-G"), /Check code/);
		t.is(n2.run("webservercfg", "-passwd", "x").code, 2);
	},
);

test.serial("without the cluster's key nobody gives a command", async (t) => {
	const { servers, url } = made;
	const [n1, n2] = servers as [Server, Server];
	n2.ok("cluster", "genkey");
	const refused = n1.run("-H", "*", "shutdown");
	t.is(refused.code, 1);
	t.regex(
		refused.err,
		/^Error: n2 \(.*\) takes no command from here: it does not hold the same key as this server\.\n/,
	);
	t.notRegex(n2.run("cmdlog").out, /shutdown/);
	t.regex(
		readFileSync(join(n2.safevar, "log/safeadmin.log"), "utf8"),
		/was refused: it gave a command with another cluster's key/,
	);
	// -G does not help: n1 never had the key of n2.
	t.is(n1.run("-H", "*", "-G").code, 1);
	// But a key of n1's own that n2 still has is enough.
	copyFileSync(join(n1.safevar, "cluster/cluster.key"), join(n2.safevar, "cluster/cluster.key"));
	n1.ok("cluster", "genkey");
	n1.ok("cluster", "config");
	t.is(n1.run("-H", "*", "level").code, 1);
	const before = n1.run("-H", "*", "-G");
	t.is(before.code, 0, before.err);
	t.false(existsSync(join(n1.safevar, "cluster/former.keys")), "every server has the new one");
	const info = n1.ok("-H", "*", "cluster", "confinfo");
	t.is(new Set(info.match(/ [0-9a-f]{32} /g)).size, 1);
	// The web service goes on for everybody.
	t.is((await ask(url("n2"))).status, 200);
});

test.serial("-E installs and configures a module everywhere, whole or not at all", async (t) => {
	const { servers } = made;
	const [n1, n2] = servers as [Server, Server];
	const files = (server: Server): string[] =>
		["modules", "private/modules"].flatMap((folder) => {
			const path = join(server.safe, folder);
			return existsSync(path) ? readdirSync(path).filter((name) => name !== "lastconfig") : [];
		});
	install(n1, "m", light, { ...scripts, postconfig: 'test "$FAIL_POSTCONFIG" = "" && ! test -e /nonexistent' }, 7);
	const first = n1.run("-H", "*", "-E", "m");
	t.is(first.code, 0, first.err);
	t.is(first.out.match(/^Module m is configured \([0-9a-f]{32}\)$/gm)?.length, 2);
	t.is(n2.ok("module", "listid"), n1.ok("module", "listid"));
	t.is(
		JSON.parse(n1.ok("confinfo", "-m", "m", "--json")).active.signature,
		JSON.parse(n2.ok("confinfo", "-m", "m", "--json")).active.signature,
	);

	// Another number of another module is in the way: nothing changes there.
	install(n2, "other", light, scripts, 3);
	install(n1, "three", light, scripts, 3);
	const before = files(n2);
	const taken = n1.run("config", "-H", "n1,n2", "-E", "three");
	t.not(taken.code, 0);
	t.regex(taken.err, /the id 3 belongs to the module other/);
	t.deepEqual(files(n2), before);
	t.deepEqual(
		JSON.parse(n2.ok("module", "listid", "--json")).modules.map((one: { name: string }) => one.name),
		["other", "m"],
	);

	// A postconfig that fails on one of them: that one keeps what it had, the other one goes on.
	const conf = join(n1.safe, "modules/m/bin/postconfig");
	writeFileSync(conf, `#!/bin/sh\necho "no service here"\ncase "$SAFEVAR" in ${n2.safevar}) exit 1;; esac\n`, {
		mode: 0o755,
	});
	const signature = JSON.parse(n2.ok("confinfo", "-m", "m", "--json"));
	const failed = n1.run("-H", "*", "-E", "m", "--json");
	t.is(failed.code, 1);
	const { servers: answers } = JSON.parse(failed.out);
	t.deepEqual(
		answers.map((one: { code: number }) => one.code),
		[0, 1],
	);
	t.regex(answers[1].messages, /no service here/);
	t.deepEqual(JSON.parse(n2.ok("confinfo", "-m", "m", "--json")), signature, "files and configuration as before");

	// Killed in the middle: a postconfig that does not end.
	writeFileSync(conf, '#!/bin/sh\ncase "$SAFEVAR" in *n2*) touch $SAFEVAR/slow; sleep 300;; esac\n', { mode: 0o755 });
	const asking = n1.background("-H", "*", "-E", "m");
	await n2.until(() => existsSync(join(n2.safevar, "slow")));
	await n2.kill("SIGKILL");
	const answer = await asking;
	t.is(answer.code, 1);
	t.regex(answer.err, /The connection to n2 \(.*\) ended before the command had\./);
	await n2.start();
	t.deepEqual(JSON.parse(n2.ok("confinfo", "-m", "m", "--json")), signature);
	t.deepEqual(files(n2), before);
	rmSync(conf);
	t.is(n1.run("-H", "*", "-E", "m").code, 0);
	t.is(n1.run("-H", "*", "-E", "absent").code, 1);

	// What runs is not changed under its feet.
	n2.ok("start", "-m", "m");
	n2.ok("waitstate", "-m", "m", "UP");
	install(n1, "m", light, scripts, 9, "-r");
	const running = n1.run("-H", "n2", "-E", "m");
	t.is(running.code, 4);
	t.regex(running.err, /Module 'm' is in state UP Ready; it can get the number 9 when it is stopped\./);
	t.is(n2.state("m"), "UP Ready");
	n2.ok("shutdown");
});

test.serial(
	"a command goes to all servers at once; headers, exit codes, JSON, and what cannot be reached",
	async (t) => {
		const { servers, port, url } = made;
		const [n1, n2] = servers as [Server, Server];
		const header = (name: string): string => `---------------- Server=${url(name)} ----------------\n`;

		const level = n1.ok("-H", "*", "level");
		t.deepEqual(level.match(/^-+ Server=.*\n/gm), names.map(header));
		t.is(level.match(/^SafeKit: /gm)?.length, 2);
		t.regex(n2.run("cmdlog").out, /START \| level -u admin@127\.0\.0\.1\n/);
		for (const hosts of [
			"n2,n1",
			`[http:${port}],${addressOf("n2")},n1`,
			`${url("n2")},${url("n1")}`,
			"[https],n2,n1",
		]) {
			t.regex(
				n1.ok("-H", hosts, "level"),
				/^-+ Server=https?:\/\/[\d.]+:\d+ -+\nHost: [\s\S]*\n-+ Server=.*\nHost: /,
				hosts,
			);
		}
		t.regex(n1.run("-H", "n2,n9", "level").err, /^Error: 'n9' is no node of cluster\.xml, which has n1, n2\.\n/);
		t.is(n1.run("-H", "n2,n9", "level").code, 2);

		// The worst exit code of all; what was said on stderr there is said there here.

		n2.ok("config", "-m", "other");
		const state = n1.run("-H", "n1,n2", "state", "-m", "other", "-lq");
		t.is(state.code, 1);
		t.is(state.out, `${header("n1")}${header("n2")}STOP NotReady\n`);
		t.regex(state.err, /Module 'other' is not configured on this server\./);
		n2.ok("start", "-m", "other");
		const waited = n1.run("-H", "n2", "waitstate", "-m", "other", "UP");
		t.is(waited.code, 0, waited.err);
		t.is(n1.run("-H", "n2", "state", "-m", "other", "-q").code, 2);
		t.is(n1.run("-H", "n2", "waitstop", "-m", "other", "--timeout", "1").code, 5);

		const json = JSON.parse(n1.ok("-H", "n2,n1", "state", "--json"));
		t.deepEqual(
			json.servers.map((one: { server: string; node: string; code: number; answer: { node: string } }) => [
				one.server,
				one.node,
				one.code,
				one.answer.node,
			]),
			["n2", "n1"].map((name) => [url(name), name, 0, name]),
		);

		await n2.kill("SIGKILL");
		const dead = n1.run("-H", "*", "level");
		t.is(dead.code, 1);
		t.is(dead.out.match(/^SafeKit: /gm)?.length, 1, "the others answer");
		t.regex(
			dead.err,
			new RegExp(`^Error: n2 \\(.*:${port}\\) is not reached: nothing listens there\\.\nLook whether the server is up`),
		);
		const deadJson = JSON.parse(n1.run("-H", "*", "level", "--json").out);
		t.is(deadJson.servers[1].answer.error.code, "REMOTE_UNREACHED");
	},
);
