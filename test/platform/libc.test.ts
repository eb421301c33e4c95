/** The system calls against what Node itself sees, in a folder on the disk. */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import test from "ava";
import { linuxSystem as system } from "../../core/platform/linux/libc.ts";
import { at, errno, falloc, open, poll, seek } from "../../core/replication/errno.ts";
import type { Stat } from "../../core/replication/system.ts";
import { diskFolder, makeTestFolder } from "../folder.ts";

const folder = makeTestFolder("libc", diskFolder);
const dirfd = system.openat(at.FDCWD, folder, open.RDONLY | system.flags.DIRECTORY | open.CLOEXEC);
test.after.always(() => {
	system.close(dirfd);
	rmSync(folder, { recursive: true });
});

function create(name: string | Buffer): number {
	return system.openat(dirfd, name, open.CREAT | open.RDWR | open.CLOEXEC, 0o640);
}

test("errors are negative numbers, not exceptions", (t) => {
	t.is(system.openat(dirfd, "missing", open.RDONLY), -errno.ENOENT);
	t.is(system.mkdirat(dirfd, "x".repeat(256), 0o755), -errno.ENAMETOOLONG);
	t.is(system.openat(at.FDCWD, "y".repeat(10_000), open.RDONLY), -errno.ENAMETOOLONG);
	t.is(system.close(-1), -errno.EBADF);
});

test("names are bytes, times are nanoseconds", (t) => {
	const name = Buffer.from([0x66, 0xff, 0xfe, 0x20]);
	const fd = create(name);
	t.true(fd > 0);
	t.is(system.pwrite(fd, Buffer.from("hello"), 3n), 5);
	t.is(system.utimens(fd, "", 1_700_000_000_123_456_789n, -1n), 0);
	const stat = system.stat(dirfd, name) as Stat;
	t.is(stat.size, 8);
	t.is(stat.mode, 0o100640);
	t.is(stat.atimeNs, 1_700_000_000_123_456_789n);
	t.is(stat.mtimeNs, -1n);
	t.is(system.chmod(fd, 0o4755), 0);
	t.is(system.chown(fd, "", 1234, -1), 0);
	const after = system.stat(fd, "") as Stat;
	t.is(after.mode, 0o100755, "chown clears suid");
	t.deepEqual([after.uid, after.gid], [1234, 0]);
	const handle = system.nameToHandle(fd, "");
	if (typeof handle === "number") return t.fail(String(handle));
	const again = system.openByHandle(dirfd, handle, open.RDONLY);
	t.is((system.stat(again, "") as Stat).ino, after.ino);
	t.is(system.generation(again), handle.bytes.readUInt32LE(4));
	system.close(again);
	system.close(fd);
});

test("extended attributes, also of a symlink by an O_PATH descriptor", (t) => {
	t.is(system.symlinkat("/nowhere", dirfd, "link"), 0);
	const fd = system.openat(dirfd, "link", open.PATH | system.flags.NOFOLLOW);
	t.is(system.readlinkat(fd, "").toString(), "/nowhere");
	t.is(system.setxattr(fd, "trusted.o", Buffer.from("abc"), 0), 0);
	t.is(system.getxattr(fd, "trusted.o").toString(), "abc");
	t.deepEqual((system.listxattr(fd) as Buffer[]).map(String), ["trusted.o"]);
	t.is(system.removexattr(fd, "trusted.o"), 0);
	t.is(system.getxattr(fd, "trusted.o"), -errno.ENODATA);
	system.close(fd);
});

test("holes, links, renames and directories", (t) => {
	const fd = create("sparse");
	t.is(system.ftruncate(fd, 1 << 20), 0);
	t.is(system.pwrite(fd, Buffer.alloc(4096, 1), 65536), 4096);
	t.is(system.lseek(fd, 0, seek.DATA), 65536);
	t.is(system.lseek(fd, 65536, seek.HOLE), 69632);
	t.is(system.fallocate(fd, falloc.PUNCH_HOLE | falloc.KEEP_SIZE, 65536, 4096), 0);
	t.is(system.lseek(fd, 0, seek.DATA), -6);
	t.is(system.linkFd(fd, dirfd, "second name"), 0);
	t.is(system.renameat2(dirfd, "second name", dirfd, "sparse", 1), -errno.EEXIST);
	t.is(system.mkdirat(dirfd, "folder", 0o700), 0);
	const list = system.openat(dirfd, ".", open.RDONLY | system.flags.DIRECTORY);
	const entries = system.getdents(list);
	if (typeof entries === "number") return t.fail(String(entries));
	t.true(entries.some((entry) => entry.name.toString() === "folder" && entry.type === 4));
	t.is(system.syncfs(list), 0);
	t.is(system.fsync(fd), 0);
	system.close(list);
	system.close(fd);
});

test("sockets: accept, receive, send, refused", async (t) => {
	for (const address of ["127.0.0.1", "::1"]) {
		const server = system.tcpSocket(address);
		t.is(system.bind(server, { address, port: 0 }), 0);
		t.is(system.listen(server, 5), 0);
		const local = system.localAddress(server);
		if (typeof local === "number") return t.fail(String(local));
		t.is(system.accept(server), -errno.EAGAIN);
		const client = connect(local.port, address);
		client.write("ping");
		const entry = { fd: server, events: poll.IN, revents: 0 };
		await new Promise((done) => client.once("connect", done));
		t.is(system.poll([entry], 5000), 1);
		t.is(entry.revents, poll.IN);
		const accepted = system.accept(server);
		if (typeof accepted === "number") return t.fail(String(accepted));
		const buffer = Buffer.alloc(100);
		await new Promise((done) => setTimeout(done, 50));
		t.is(system.recv(accepted.fd, buffer), 4);
		t.is(system.send(accepted.fd, Buffer.from("pong!")), 5);
		t.is(String(await new Promise((done) => client.once("data", done))), "pong!");
		client.destroy();
		system.close(accepted.fd);
		system.close(server);
		const refused = system.tcpSocket(address);
		t.is(system.connect(refused, local), -errno.EINPROGRESS);
		t.is(system.poll([{ fd: refused, events: poll.OUT, revents: 0 }], 5000), 1);
		t.is(system.socketError(refused), -errno.ECONNREFUSED);
		system.close(refused);
	}
});

test("an eventfd wakes a poll", (t) => {
	const fd = system.eventfd();
	const entry = { fd, events: poll.IN, revents: 0 };
	t.is(system.poll([entry], 0), 0);
	system.wake(fd);
	t.is(system.poll([entry], 1000), 1);
	system.drainWake(fd);
	t.is(system.poll([entry], 0), 0);
	system.close(fd);
	// Needs CAP_SYS_RESOURCE, which a container may lack.
	t.true([0, -errno.EPERM].includes(system.setIoFlusher()));
	t.is(system.takeShortTurns(), 0);
});

test("mkfifo and file system data agree with Node", (t) => {
	t.is(system.mknodat(dirfd, "fifo", 0o010600, 0), 0);
	t.true(statSync(join(folder, "fifo")).isFIFO());
	writeFileSync(join(folder, "plain"), "text");
	const fs = system.statfs(dirfd);
	if (typeof fs === "number") return t.fail(String(fs));
	t.is(fs.bsize, 4096);
	t.is(fs.namelen, 255);
	t.is(readFileSync(join(folder, "plain"), "utf8"), "text");
});

test("what ignores quotas is given up and taken back, for the calling thread", (t) => {
	// In a user namespace of its own even a root that lacks it has it.
	const libc = join(import.meta.dirname, "../../core/platform/linux/libc.ts");
	const program = `import { readFileSync } from "node:fs";
		const { linuxSystem } = await import(${JSON.stringify(libc)});
		const has = () => (BigInt("0x" + /CapEff:\\s*(\\w+)/.exec(readFileSync("/proc/thread-self/status", "utf8"))[1]) >> 24n) & 1n;
		const seen = [has()];
		for (const obey of [true, false]) seen.push(linuxSystem.obeyQuotas(obey), has());
		process.stdout.write(seen.join());`;
	const args = ["-Ur", process.execPath, "--no-warnings", "--input-type=module", "-e", program];
	t.is(execFileSync("unshare", args, { encoding: "utf8" }), "1,0,0,0,1");
});
