/** Roles, gates, acknowledgements, what is hidden, what stays local, and what is left after a kill. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
	appendFileSync,
	closeSync,
	constants,
	fstatSync,
	linkSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	readSync,
	renameSync,
	rmSync,
	statfsSync,
	statSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { open as openAsync, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { errno, open } from "../../../core/replication/errno.ts";
import { findHolders } from "../../../core/replication/fuse/holders.ts";
import { parseMountInfo } from "../../../core/replication/fuse/mountTable.ts";
import { compareTrees } from "../treeCompare.ts";
import { isMounted, Mounted, sh } from "./mounted.ts";
import type { MountOptions } from "./mountProcess.ts";

async function mounted(t: ExecutionContext, options: MountOptions = {}): Promise<Mounted> {
	const mount = new Mounted();
	t.teardown(() => mount.clean());
	await mount.start(options);
	return mount;
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

test.serial("a secondary reads and refuses every change with EROFS; the role is a flag", async (t) => {
	const m = await mounted(t);
	writeFileSync(join(m.dir, "f"), "text");
	await m.order({ do: "gate", gate: errno.EROFS });
	await m.order({ do: "writable", writable: false });
	t.is(readFileSync(join(m.dir, "f"), "utf8"), "text");
	for (const change of [
		() => writeFileSync(join(m.dir, "f"), "x"),
		() => writeFileSync(join(m.dir, "new"), "x"),
		() => mkdirSync(join(m.dir, "d")),
		() => unlinkSync(join(m.dir, "f")),
		() => renameSync(join(m.dir, "f"), join(m.dir, "g")),
		() => linkSync(join(m.dir, "f"), join(m.dir, "g")),
	]) {
		t.throws(change, { code: "EROFS" });
	}
	const fd = openSync(join(m.dir, "f"), "r");
	t.is(system.fsync(fd), 0, "syncing what is only read is no change");
	closeSync(fd);
	await m.order({ do: "gate", gate: 0 });
	await m.order({ do: "writable", writable: true });
	writeFileSync(join(m.dir, "f"), "again");
	t.is(readFileSync(join(m.dir, "f"), "utf8"), "again");
	await m.stop();
	t.deepEqual(compareTrees(m.dir, m.copy), []);
});

test.serial(
	"on a secondary what changes underneath is seen at once, and a moment later by files opened before",
	async (t) => {
		const m = await mounted(t);
		writeFileSync(join(m.dir, "f"), "aaaa");
		const before = openSync(join(m.dir, "f"), "r");
		const buffer = Buffer.alloc(4);
		readSync(before, buffer, 0, 4, 0);
		await m.order({ do: "gate", gate: errno.EROFS });
		await m.order({ do: "writable", writable: false });
		const after = openSync(join(m.dir, "f"), "r");
		// Changed by hand past the mount, as operations from the primary would.
		const root = openBelow(m);
		const fd = system.openat(root, "f", open.RDWR);
		for (const [index, text] of ["bbbb", "cccc"].entries()) {
			await pause(1100 * (1 - index));
			t.is(system.pwrite(fd, Buffer.from(text), 0), 4);
			readSync(after, buffer, 0, 4, 0);
			t.is(buffer.toString(), text);
			for (let tries = 0; tries < 200; tries++) {
				readSync(before, buffer, 0, 4, 0);
				if (buffer.toString() === text) break;
				await pause(10);
			}
			t.is(buffer.toString(), text);
		}
		t.is(system.mkdirat(root, "made below", 0o755), 0);
		t.true(readdirSync(m.dir).includes("made below"));
		for (const handle of [before, after]) closeSync(handle);
		system.close(fd);
		system.close(root);
	},
);

test.serial("what a primary has read or written is not read again", async (t) => {
	const m = await mounted(t);
	const content = Buffer.alloc(1 << 20, "a");
	const reads = await leastReads(async (attempt) => {
		const path = join(m.dir, `f${attempt}`);
		writeFileSync(path, content.fill("a"));
		const before = (await m.report()).reads;
		t.deepEqual(readFileSync(path), content);
		const fd = openSync(path, "r+");
		writeSync(fd, Buffer.from("bbbb"), 0, 4, 4000);
		content.fill("b", 4000, 4004);
		// Longer than attributes are believed: they come again, with another time.
		await pause(1100);
		t.is(fstatSync(fd).size, content.length);
		closeSync(fd);
		t.deepEqual(readFileSync(path), content);
		return (await m.report()).reads - before;
	});
	t.is(reads, 0);
});

test.serial("pages of the time before a role are read again, once", async (t) => {
	const m = await mounted(t);
	const [path, content] = [join(m.dir, "f"), Buffer.alloc(1 << 20, "a")];
	writeFileSync(path, content);
	await m.order({ do: "gate", gate: errno.EROFS });
	await m.order({ do: "writable", writable: false });
	const root = openBelow(m);
	const below = system.openat(root, "f", open.RDWR);
	t.is(system.pwrite(below, Buffer.from("cccc"), 8000), 4);
	content.fill("c", 8000, 8004);
	system.close(below);
	system.close(root);
	await m.order({ do: "gate", gate: 0 });
	await m.order({ do: "writable", writable: true });
	const before = (await m.report()).reads;
	t.deepEqual(readFileSync(path), content, "the pages of the time before are gone");
	t.true((await m.report()).reads > before);
	const reads = await leastReads(async () => {
		const before = (await m.report()).reads;
		t.deepEqual(readFileSync(path), content);
		return (await m.report()).reads - before;
	});
	t.is(reads, 0);
});

/**
 * The least reads that one of a few attempts cost, until one cost none. The kernel may give up single pages at any moment
 * (memory gets short, or a page is copied while it moves and counts as half written); what we tell it to drop goes always.
 */
async function leastReads(attempt: (number: number) => Promise<number>): Promise<number> {
	let least = Number.POSITIVE_INFINITY;
	for (let number = 0; number < 5 && least > 0; number++) least = Math.min(least, await attempt(number));
	return least;
}

/** The serving process's own descriptor of the tree underneath. */
function openBelow(m: Mounted): number {
	const pid = m.process?.pid;
	for (const fd of readdirSync(`/proc/${pid}/fd`)) {
		const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8");
		const path = `/proc/${pid}/fd/${fd}`;
		const target = execFileSync("readlink", [path], { encoding: "utf8" }).trim();
		if (target === m.dir && info !== "") return system.openat(-100, path, open.RDONLY | system.flags.DIRECTORY);
	}
	throw new Error("no descriptor of the root");
}

test.serial("parked changes wait, reads go on, and a caller that gives up gets EINTR", async (t) => {
	const m = await mounted(t);
	mkdirSync(join(m.dir, "d"));
	writeFileSync(join(m.dir, "d", "f"), "one");
	await m.order({ do: "gate", gate: "park" });
	const writing = writeFile(join(m.dir, "g"), "two");
	const touch = spawn("bash", ["-c", `echo x > "${m.dir}/d/h"`], { stdio: "ignore" });
	await pause(300);
	// Not the directory itself: the kernel locks it for the creations that wait.
	t.is(readFileSync(join(m.dir, "d", "f"), "utf8"), "one");
	touch.kill("SIGINT");
	const [, signal] = await Promise.race([once(touch, "close"), pause(10_000).then(() => [null, "never"])]);
	t.is(signal, "SIGINT");
	await m.order({ do: "gate", gate: 0 });
	await writing;
	t.is(readFileSync(join(m.dir, "g"), "utf8"), "two");
	t.deepEqual(readdirSync(join(m.dir, "d")), ["f"], "what was interrupted was not applied");
	await m.stop();
	t.deepEqual(compareTrees(m.dir, m.copy), []);
});

test.serial("a change returns when it is acknowledged, and fails when that fails", async (t) => {
	const m = await mounted(t);
	await m.order({ do: "hold", hold: true });
	let done = false;
	const made = openAsync(join(m.dir, "f"), "w").then((handle) => {
		done = true;
		return handle;
	});
	await pause(300);
	t.false(done);
	t.deepEqual(await m.order({ do: "hold", hold: false }), { ok: true, answered: 1 });
	await (await made).close();
	await m.order({ do: "hold", hold: true });
	const failing = openAsync(join(m.dir, "g"), "w");
	await pause(200);
	await m.order({ do: "hold", hold: false, errno: errno.EIO });
	await t.throwsAsync(failing, { code: "EIO" });
	await m.stop();
});

test.serial("fsync and O_SYNC wait for the peer's sync; with durable every change waits for this disk", async (t) => {
	for (const durable of [false, true]) {
		const m = await mounted(t, { durable });
		const fd = openSync(join(m.dir, "f"), "w");
		writeSync(fd, "text");
		const before = (await m.report()).counts.sync ?? 0;
		t.is(system.fsync(fd), 0);
		t.is(system.fdatasync(fd), 0);
		closeSync(fd);
		const flags = constants.O_CREAT | constants.O_WRONLY;
		for (const how of [constants.O_SYNC, constants.O_DSYNC, constants.O_DSYNC | constants.O_DIRECT]) {
			const synced = openSync(join(m.dir, `s${how}`), flags | how);
			t.is(system.pwrite(synced, Buffer.alloc(4096), 0), 4096);
			closeSync(synced);
		}
		const directory = openSync(m.dir, "r");
		t.is(system.fsync(directory), 0);
		closeSync(directory);
		const report = await m.report();
		t.is((report.counts.sync ?? 0) - before, 6);
		t.is(report.pending, 0);
		await m.stop();
		t.deepEqual(compareTrees(m.dir, m.copy), []);
	}
});

test.serial("durable: what was made is synced itself, since its id and owner came after its entry", async (t) => {
	const m = await mounted(t, { durable: true });
	mkdirSync(join(m.dir, "d"));
	writeFileSync(join(m.dir, "d", "f"), "");
	const { synced } = await m.report();
	t.true(synced.includes(join(m.dir, "d")));
	t.true(synced.includes(join(m.dir, "d", "f")));
	await m.stop();
});

test.serial(".opensafe is hidden and cannot be made, reached or replaced", async (t) => {
	const m = await mounted(t);
	mkdirSync(join(m.dir, "d"));
	t.deepEqual(readdirSync(m.dir), ["d"]);
	t.is(statSync(m.dir).nlink, 3);
	t.throws(() => statSync(join(m.dir, ".opensafe")), { code: "ENOENT" });
	t.throws(() => mkdirSync(join(m.dir, ".opensafe")), { code: "EACCES" });
	t.throws(() => writeFileSync(join(m.dir, ".opensafe"), ""), { code: "EACCES" });
	t.throws(() => renameSync(join(m.dir, "d"), join(m.dir, ".opensafe")), { code: "EACCES" });
	t.throws(() => rmSync(join(m.dir, ".opensafe")), { code: "ENOENT" });
	mkdirSync(join(m.dir, "d", ".opensafe"));
	const fd = system.openat(-100, join(m.dir, "d"), open.RDONLY);
	t.is(system.getxattr(fd, "trusted.o"), -errno.ENODATA);
	t.is(system.setxattr(fd, "trusted.o", Buffer.from("x"), 0), -errno.EPERM);
	t.is(system.setxattr(fd, "user.a", Buffer.from("value"), 0), 0);
	t.is(system.setxattr(fd, "user.a", Buffer.from("value"), 1), -errno.EEXIST);
	t.deepEqual((system.listxattr(fd) as Buffer[]).map(String), ["user.a"]);
	t.is(system.getxattr(fd, "user.a").toString(), "value");
	t.is(system.removexattr(fd, "user.none"), -errno.ENODATA);
	t.is(system.setxattr(fd, "system.posix_acl_access", Buffer.alloc(4), 0), -errno.EOPNOTSUPP);
	system.close(fd);
	await m.stop();
	t.deepEqual(compareTrees(m.dir, m.copy), []);
});

test.serial("what is not replicated stays here, and moving it across the boundary copies", async (t) => {
	const m = await mounted(t, { paths: ["logs/local", "top"], regexes: ["\\.tmp$"] });
	const result = await sh(
		m.dir,
		`set -e; mkdir -p logs/local/deep; echo a > logs/local/deep/f; echo b > logs/kept; echo c > x.tmp; echo d >> x.tmp; chmod 600 x.tmp; mkdir top; echo e > top/y; mkdir other; echo f > other/local
		mv x.tmp x; mv other/local other/z.tmp; ! ln x y.tmp 2>/dev/null; mv logs/local/deep logs/moved; mkdir gone; echo > gone/g.tmp; rm gone/g.tmp; rmdir gone; exec 3> held.tmp; rm held.tmp; echo >&3; exec 3>&-; mkdir u.tmp; rmdir u.tmp`,
	);
	t.is(result.code, 0, result.out);
	t.throws(() => renameSync(join(m.dir, "logs"), join(m.dir, "renamed")), { code: "EXDEV" });
	t.deepEqual((await m.report()).problems, []);
	await m.stop();
	const local = ["logs/local", "top", "top/y", "other/z.tmp"].map((path) => `${path}: only in ${m.dir}`);
	const differences = compareTrees(m.dir, m.copy, { mtime: false });
	t.deepEqual(differences.sort(), local.sort());
});

test.serial("a directory whose local leftovers stand in the way goes to limbo on the peer", async (t) => {
	const m = await mounted(t, { regexes: ["\\.tmp$"] });
	mkdirSync(join(m.dir, "d"));
	writeFileSync(join(m.copy, "d", "mine.tmp"), "the peer's own");
	rmSync(join(m.dir, "d"), { recursive: true });
	t.deepEqual((await m.report()).problems, []);
	t.is(readdirSync(join(m.copy, ".opensafe", "limbo")).length, 1);
	mkdirSync(join(m.dir, "e"));
	writeFileSync(join(m.copy, "e", "real"), "a difference");
	rmSync(join(m.dir, "e"), { recursive: true });
	t.deepEqual((await m.report()).problems, ["rmdir: ENOTEMPTY"]);
	await m.stop();
});

test.serial("an open file without a name is kept on both sides until its last close", async (t) => {
	const m = await mounted(t);
	const kept = () => readdirSync(join(m.copy, ".opensafe", "open")).length;
	writeFileSync(join(m.dir, "f"), "text");
	const [first, second] = [openSync(join(m.dir, "f"), "r+"), openSync(join(m.dir, "f"), "r")];
	rmSync(join(m.dir, "f"));
	t.is(fstatSync(first).nlink, 0);
	t.is(kept(), 1);
	writeSync(first, "more", 0);
	closeSync(first);
	t.is(readFileSync(second, "utf8"), "more");
	t.is(kept(), 1);
	closeSync(second);
	for (let count = 0; count < 100 && kept() > 0; count++) await pause(20);
	t.is(kept(), 0);
	const held = openSync(join(m.dir, "g"), "w");
	writeFileSync(join(m.dir, "h"), "new");
	renameSync(join(m.dir, "h"), join(m.dir, "g"));
	t.is(fstatSync(held).nlink, 0);
	t.is(kept(), 1);
	m.process?.kill("SIGKILL");
	await m.next();
	t.throws(() => readdirSync(m.dir), { code: "ENOTCONN" });
	t.throws(() => writeFileSync(join(m.dir, "z"), ""), { code: "ENOTCONN" }, "the dead mount is a fence");
	closeSync(held);
	rmSync(m.copy, { recursive: true });
	mkdirSync(m.copy);
	await m.start();
	t.deepEqual(readdirSync(m.dir), ["g"]);
	t.is(readFileSync(join(m.dir, "g"), "utf8"), "new");
	await m.stop();
	t.false(isMounted(m.dir));
	t.is(readdirSync(join(m.dir, ".opensafe", "open")).length, 0);
});

test.serial("a mount in use is not taken away, and who uses it is named", async (t) => {
	const m = await mounted(t);
	writeFileSync(join(m.dir, "f"), "");
	const user = spawn("sleep", ["100"], { cwd: m.dir, stdio: ["ignore", openSync(join(m.dir, "f"), "r"), "ignore"] });
	t.teardown(() => user.kill());
	await once(user, "spawn");
	t.deepEqual(await m.order({ do: "unmount" }), { unmounted: -errno.EBUSY });
	const holders = findHolders(m.dir);
	t.true(holders.some((holder) => holder.pid === user.pid && holder.path.startsWith(m.dir)));
	appendFileSync(join(m.dir, "f"), "still served");
	t.deepEqual(await m.order({ do: "unmount", detach: true }), { unmounted: 0 });
	t.false(isMounted(m.dir));
	user.kill();
	await m.exit();
});

test.serial("a directory given by a symlink is mounted, and found again after a kill", async (t) => {
	const m = new Mounted();
	t.teardown(() => m.clean());
	const real = m.dir;
	const link = join(m.base, "link");
	symlinkSync(real, link);
	await m.start({}, link);
	writeFileSync(join(link, "f"), "text");
	t.true(isMounted(real));
	m.process?.kill("SIGKILL");
	await m.next();
	rmSync(m.copy, { recursive: true });
	mkdirSync(m.copy);
	await m.start({}, link);
	t.is(readFileSync(join(real, "f"), "utf8"), "text");
	await m.stop();
	t.false(isMounted(real));
});

test.serial("a living mount, or one of another module, is not touched", async (t) => {
	const m = await mounted(t);
	for (const module of ["fusetest", "other"]) {
		const second = spawn(process.execPath, [
			join(import.meta.dirname, "mountProcess.ts"),
			m.dir,
			m.native,
			JSON.stringify({ module }),
		]);
		let text = "";
		second.stderr.on("data", (chunk) => {
			text += chunk;
		});
		await once(second, "close");
		t.regex(text, /REPLICATION_MOUNT|serves it|mounted by opensafe:fusetest/);
	}
	t.is(statfsSync(m.dir).type, 0x65735546);
	writeFileSync(join(m.dir, "f"), "works");
	await m.stop();
	const text = `36 35 98:0 / ${"/a\\040b\\011c"} rw shared:1 - fuse.opensafe opensafe:m rw\nnonsense\n`;
	t.deepEqual(parseMountInfo(text), [
		{ id: 36, target: "/a b\tc", type: "fuse.opensafe", source: "opensafe:m", device: "98:0", options: "rw" },
	]);
});
