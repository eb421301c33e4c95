/** Calls that few programs make, each beside the same call on a local disk. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
	chmodSync,
	chownSync,
	closeSync,
	constants,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	statSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { linuxSystem as system } from "../../core/platform/linux/libc.ts";
import { at, errno, errnoName, falloc, open } from "../../core/replication/errno.ts";
import { Mounted, sh } from "../replication/fuse/mounted.ts";
import type { MountOptions } from "../replication/fuse/mountProcess.ts";
import { compareTrees } from "../replication/treeCompare.ts";

async function mounted(t: ExecutionContext, options: MountOptions = {}): Promise<Mounted> {
	const m = new Mounted();
	t.teardown(() => m.clean());
	await m.start(options);
	return m;
}

/** Ends the mount: nothing went wrong, and all three trees are the same. */
async function same(t: ExecutionContext, m: Mounted, native = true): Promise<void> {
	t.deepEqual((await m.report()).problems, []);
	await m.stop();
	t.deepEqual(compareTrees(m.dir, m.copy), []);
	if (native) t.deepEqual(compareTrees(m.dir, m.native, { mtime: false }), []);
}

const unnamed = open.RDWR | open.TMPFILE | system.flags.DIRECTORY | open.CLOEXEC;
const named = (result: number): string => (result < 0 ? errnoName(result) : "ok");

test("a file without a name: written, linked, unlinked, closed", async (t) => {
	const m = await mounted(t);
	const kept = (dir: string) => readdirSync(join(dir, ".opensafe/open")).length;
	const make = (dir: string): (string | number)[] => {
		const root = system.openat(at.FDCWD, dir, open.RDONLY | system.flags.DIRECTORY);
		mkdirSync(join(dir, "sgid"));
		chownSync(join(dir, "sgid"), 0, 77);
		chmodSync(join(dir, "sgid"), 0o2775);
		const [one, two, three] = ["sgid", ".", "."].map((name) => system.openat(root, name, unnamed, 0o4751)) as [
			number,
			number,
			number,
		];
		const results: (string | number)[] = [];
		system.pwrite(one, Buffer.from("first"), 3);
		const stat = system.stat(one, "");
		if (typeof stat !== "number") results.push(stat.nlink, stat.mode.toString(8), stat.gid, stat.size);
		results.push(named(system.linkFd(one, root, "linked")), named(system.linkFd(one, root, "linked")));
		results.push(named(system.linkFd(one, root, "again")), statSync(join(dir, "linked")).nlink);
		system.pwrite(one, Buffer.from("later"), 20);
		results.push(named(system.linkFd(two, root, "gone")), named(system.unlinkat(root, "gone", 0)));
		results.push(named(system.linkFd(two, root, "never")), system.pwrite(two, Buffer.from("x"), 0));
		const exclusive = system.openat(root, ".", unnamed | open.EXCL, 0o600);
		results.push(named(system.linkFd(exclusive, root, "exclusive")));
		results.push(system.pwrite(three, Buffer.alloc(100_000, 3), 0), named(system.fsync(three)));
		for (const fd of [one, two, three, exclusive, root]) system.close(fd);
		results.push(readFileSync(join(dir, "again"), "latin1"));
		return results;
	};
	t.deepEqual(make(m.dir), make(m.native));
	t.is((await m.report()).counts.makeUnnamed, 4);
	t.is(kept(m.copy), 0, "nothing is left of those that got no name");
	await same(t, m);
	t.is(kept(m.dir), 0);
});

test("copy_file_range: within a file, between files, past the end, of set-id files by others", async (t) => {
	const m = await mounted(t);
	const copy = (dir: string): (number | string)[] => {
		writeFileSync(join(dir, "from"), Buffer.from(Array.from({ length: 3_000_000 }, (_, n) => n % 251)));
		const [from, to] = ["from", "to"].map((name) =>
			system.openat(at.FDCWD, join(dir, name), open.RDWR | open.CREAT, 0o644),
		) as [number, number];
		const results: (number | string)[] = [];
		let done = 0;
		while (done < 2_500_000) {
			const length = system.copyFileRange(from, BigInt(done), to, 1000n + BigInt(done), 2_500_000 - done);
			if (length <= 0) break;
			done += length;
		}
		results.push(
			done,
			system.copyFileRange(from, 2_999_990n, to, 10n, 100),
			system.copyFileRange(from, 4_000_000n, to, 0n, 9),
		);
		results.push(
			system.copyFileRange(from, 0n, from, 2_000_000n, 5000),
			named(system.copyFileRange(from, 0n, from, 100n, 5000)),
		);
		const readable = openSync(join(dir, "from"), "r");
		results.push(named(system.copyFileRange(to, 0n, readable, 0n, 10)));
		const synced = system.openat(at.FDCWD, join(dir, "to"), open.RDWR | open.DSYNC);
		results.push(system.copyFileRange(from, 0n, synced, 0n, 4096));
		for (const fd of [from, to, readable, synced]) system.close(fd);
		return results;
	};
	t.deepEqual(copy(m.dir), copy(m.native));
	t.is((await m.report()).counts.sync, 1);
	t.is(m.stderr, "");
	await same(t, m);
});

test("an exchange across the boundary of what is replicated is refused, and harms nobody", async (t) => {
	const m = await mounted(t, { regexes: ["!\\.keep$"] });
	mkdirSync(join(m.dir, "directory"));
	writeFileSync(join(m.dir, "own"), "of this server");
	writeFileSync(join(m.dir, "a.keep"), "a");
	const root = system.openat(at.FDCWD, m.dir, open.RDONLY | system.flags.DIRECTORY);
	const exchange = (a: string, b: string) => named(system.renameat2(root, a, root, b, 2));
	t.is(exchange("directory", "own"), "EXDEV");
	t.is(exchange("own", "directory"), "EXDEV");
	t.is(exchange("own", "a.keep"), "EXDEV");
	t.is(exchange("a.keep", "directory"), "EXDEV", "the file would have a name that stays here");
	system.close(root);
	writeFileSync(join(m.dir, "b.keep"), "after");
	t.deepEqual((await m.report()).problems, []);
	t.is(readFileSync(join(m.copy, "b.keep"), "utf8"), "after");
	await m.stop();
});

test("what the kernel's FUSE refuses is refused with a clear answer, and not half done", async (t) => {
	const m = await mounted(t);
	const fd = openSync(join(m.dir, "f"), "w+");
	writeSync(fd, Buffer.alloc(100_000, "f"));
	for (const mode of [falloc.COLLAPSE, falloc.INSERT, falloc.UNSHARE]) {
		t.is(system.fallocate(fd, mode, 4096, 8192), -errno.EOPNOTSUPP);
	}
	const root = system.openat(at.FDCWD, m.dir, open.RDONLY | system.flags.DIRECTORY);
	t.is(system.renameat2(root, "f", root, "g", 4), -errno.EINVAL, "RENAME_WHITEOUT");
	t.true(system.generation(fd) < 0, "inode flags and versions are those of the disk underneath");
	t.true((system.preallocated(fd) as number) < 0, "FIEMAP");
	closeSync(fd);
	system.close(root);
	await same(t, m, false);
});

test("locks: flock and fcntl hold between the processes of this server, and end with them", async (t) => {
	const m = await mounted(t);
	writeFileSync(join(m.dir, "lock"), "");
	const holder = spawn("flock", ["-x", join(m.dir, "lock"), "sh", "-c", "echo held; read line"], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	await once(holder.stdout, "data");
	t.is((await sh(m.dir, "flock -n -x lock true")).code, 1);
	t.is((await sh(m.dir, "flock -n -s lock true")).code, 1);
	holder.kill("SIGKILL");
	holder.stdin.end();
	t.is((await sh(m.dir, "flock -w 20 -x lock true")).code, 0, "the kernel drops it with its holder");
	const shared = await sh(
		m.dir,
		"exec 3<lock; flock -s 3; flock -n -s lock true && echo shared; flock -n -x lock true || echo refused",
	);
	t.is(shared.out, "shared\nrefused\n");
	const sqlite = "sqlite3 -cmd '.timeout 60000' db 'create table if not exists t(n); insert into t values(1);'";
	t.is((await sh(m.dir, `${sqlite} & ${sqlite} & ${sqlite} & wait; sqlite3 db 'select count(*) from t'`)).out, "3\n");
	await same(t, m, false);
});

test("a working directory that is removed, and open files without names, go on as on a disk", async (t) => {
	const m = await mounted(t);
	const script = `exec 2>/dev/null; mkdir -p gone/deep; cd gone/deep; rmdir ../deep; ls -a; touch x 2>&1 | sed 's/.*: //'; pwd -P >/dev/null 2>&1 || echo lost; cd ..; rmdir ../gone; mkdir y 2>&1 | sed 's/.*: //'; stat -c %h .`;
	t.is((await sh(m.dir, script)).out, (await sh(m.native, script)).out);
	const write = `exec 2>/dev/null; exec 3<>f; rm f; for n in 1 2 3; do echo $n >&3; done; cat /proc/self/fd/3; truncate -s 3 /proc/self/fd/3; chmod 600 /proc/self/fd/3; stat -Lc '%s %h %a' /proc/self/fd/3; ln -L /proc/self/fd/3 g 2>&1 | sed 's/.*: //'`;
	t.is((await sh(m.dir, write)).out, (await sh(m.native, write)).out);
	await same(t, m);
});

test("O_DIRECT, aligned or not, and appends from several processes are whole", async (t) => {
	const m = await mounted(t);
	const flags = open.RDWR | open.CREAT | system.flags.DIRECT;
	const direct = (dir: string): (number | string)[] => {
		const fd = system.openat(at.FDCWD, join(dir, "direct"), flags, 0o600);
		// A page of its own: what is aligned in memory is aligned for the disk.
		const memory = Buffer.from(new ArrayBuffer(65_536));
		memory.fill(7);
		const results = [system.pwrite(fd, memory, 0), system.pwrite(fd, memory.subarray(0, 4096), 1 << 20)];
		results.push(system.pread(fd, memory.subarray(0, 8192), 4096));
		system.close(fd);
		return results;
	};
	t.deepEqual(direct(m.dir), [65_536, 4096, 8192]);
	const unaligned = openSync(join(m.dir, "direct"), constants.O_RDWR | constants.O_DIRECT);
	t.is(writeSync(unaligned, Buffer.from("any length, anywhere"), 0, 20, 12_345), 20, "FUSE has no alignment");
	closeSync(unaligned);
	t.is(readFileSync(join(m.copy, "direct"), "latin1").slice(12_345, 12_365), "any length, anywhere");
	const append = `for p in 1 2 3 4; do (line=$(printf "$p%.0s" $(seq 4000)); for n in $(seq 50); do echo $line >> log; done) & done; wait; sort log | uniq -c | awk '{print $1, length($2)}'`;
	t.is((await sh(m.dir, append)).out, "50 4000\n50 4000\n50 4000\n50 4000\n");
	await same(t, m, false);
});
