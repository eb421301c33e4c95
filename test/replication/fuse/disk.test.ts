/** What the disk underneath says comes through: full, too large, mapped memory, many entries; on a small tmpfs. */
import { execFileSync } from "node:child_process";
import {
	closeSync,
	fstatSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";
import test from "ava";
import koffi from "koffi";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { compareTrees } from "../treeCompare.ts";
import { Mounted, sh } from "./mounted.ts";

const libc = koffi.load("libc.so.6");
const mmap = libc.func("void *mmap(void *, size_t, int, int, int, int64_t)");
const msync = libc.func("int msync(void *, size_t, int)");
const munmap = libc.func("int munmap(void *, size_t)");

test.serial("a full disk is an error of the application, and nothing is sent", async (t) => {
	const m = new Mounted();
	t.teardown(() => {
		m.clean();
		rmSync(m.base, { recursive: true, force: true });
	});
	execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m,nr_inodes=60", "tmpfs", m.dir]);
	t.teardown(() => {
		try {
			execFileSync("umount", ["-l", m.dir], { stdio: "ignore" });
		} catch {
			// Already gone.
		}
	});
	await m.start();
	const fd = openSync(join(m.dir, "big"), "w");
	t.throws(
		() => {
			for (let n = 0; n < 100; n++) writeSync(fd, Buffer.alloc(65536, n));
		},
		{ code: "ENOSPC" },
	);
	closeSync(fd);
	t.throws(
		() => {
			for (let n = 0; n < 100; n++) mkdirSync(join(m.dir, `d${n}`));
		},
		{ code: "ENOSPC" },
	);
	const before = await m.report();
	t.deepEqual(before.problems, []);
	rmSync(join(m.dir, "big"));
	writeFileSync(join(m.dir, "d0", "small"), "fits again");
	t.is(readFileSync(join(m.dir, "d0", "small"), "utf8"), "fits again");
	const order = await m.order({ do: "unmount" });
	t.true(order.gone);
	await m.next();
	await m.exit();
	t.deepEqual(compareTrees(m.dir, m.copy, { blocks: false }), []);
});

test.serial("shared mapped memory reaches both sides at msync and at munmap", async (t) => {
	const m = new Mounted();
	t.teardown(() => m.clean());
	await m.start();
	const path = join(m.dir, "mapped");
	writeFileSync(path, Buffer.alloc(65536, "a"));
	const fd = openSync(path, "r+");
	const memory = mmap(null, 65536, 3, 1, fd, 0);
	const bytes = Buffer.from(koffi.view(memory, 65536));
	t.is(bytes.toString("latin1", 0, 4), "aaaa");
	bytes.write("mapped", 10_000);
	t.is(msync(memory, 65536, 4), 0);
	t.is(readFileSync(join(m.copy, "mapped"), "latin1").slice(10_000, 10_006), "mapped");
	writeSync(fd, "written", 20_000);
	t.is(bytes.toString("latin1", 20_000, 20_007), "written", "a write is seen in the mapping");
	bytes.write("later", 30_000);
	t.is(munmap(memory, 65536), 0);
	closeSync(fd);
	await m.stop();
	t.is(readFileSync(join(m.dir, "mapped"), "latin1").slice(30_000, 30_005), "later");
	t.deepEqual(compareTrees(m.dir, m.copy, { mtime: false }), []);
});

test.serial("a directory of 5000 entries is listed whole, also while entries go", async (t) => {
	const m = new Mounted();
	t.teardown(() => m.clean());
	await m.start();
	mkdirSync(join(m.dir, "many"));
	const name = (n: number) => `${n}-${"x".repeat(n % 100)}`;
	for (let n = 0; n < 5000; n++) writeFileSync(join(m.dir, "many", name(n)), "");
	t.is(readdirSync(join(m.dir, "many")).length, 5000);
	const listed = await sh(
		m.dir,
		"ls -l many | wc -l; find many -type f -printf '%i %s\\n' | sort -u | wc -l; find many -name '*5*' -delete; ls many | grep -c 5",
	);
	t.is(listed.out.trim(), "5001\n5000\n0");
	rmSync(join(m.dir, "many"), { recursive: true });
	t.deepEqual((await m.report()).problems, []);
	await m.stop();
	t.deepEqual(compareTrees(m.dir, m.copy), []);
});

test.serial("limits of the file system underneath: name, size, offsets over 4 GiB, large values", async (t) => {
	const m = new Mounted();
	t.teardown(() => m.clean());
	await m.start();
	const fd = openSync(join(m.dir, "far"), "w+");
	const far = 6n * 2n ** 30n;
	t.is(system.pwrite(fd, Buffer.from("end"), far), 3);
	t.is(fstatSync(fd).size, Number(far) + 3);
	t.is(system.lseek(fd, 0, 3), Number(far - (far % 4096n)));
	t.true(system.pwrite(fd, Buffer.from("x"), 2n ** 60n) < 0);
	t.is(system.setxattr(fd, "user.large", Buffer.alloc(3000, 7), 0), 0);
	t.deepEqual(system.getxattr(fd, "user.large"), Buffer.alloc(3000, 7));
	closeSync(fd);
	t.is(statSync(join(m.copy, "far")).size, Number(far) + 3);
	t.is(statSync(join(m.copy, "far")).blocks, statSync(join(m.dir, "far")).blocks);
	await m.stop();
});
