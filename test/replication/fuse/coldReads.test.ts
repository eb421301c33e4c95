/** What is not in memory is read without anything else waiting for it: on a real ext4 whose disk can be made slow. */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { hasLoop, loopReason, quietly } from "../../disks.ts";
import { VolatileDisk } from "../../lab/power/volatileDisk.ts";
import { Mounted } from "./mounted.ts";

const declare = hasLoop ? test.serial : test.serial.skip;
const slowMs = 1500;
const content = Buffer.alloc(200_000, "cold ");

/** Four files on a disk (of blocks of 4 KiB, as large ones have), none of them in memory; the mount over them. */
async function coldFiles(t: ExecutionContext, options: { readsItself?: boolean }) {
	const m = new Mounted();
	t.teardown(() => m.clean());
	const folder = join(m.base, "disk");
	mkdirSync(folder);
	const disk = await VolatileDisk.make(folder, 600);
	t.teardown(() => disk.powerOff());
	execFileSync("mount", [await disk.powerOn(), m.dir]);
	t.teardown(() => void quietly("umount", "-l", m.dir));
	t.teardown(() => m.clean());
	for (let n = 0; n < 4; n++) writeFileSync(join(m.dir, `cold${n}`), content);
	// Neither needs the disk again: one is overwritten in place.
	writeFileSync(join(m.dir, "warm"), "warm");
	writeFileSync(join(m.dir, "written"), Buffer.alloc(4096));
	execFileSync("sync", ["-f", m.dir]);
	for (let n = 0; n < 4; n++)
		execFileSync("dd", [`if=${join(m.dir, `cold${n}`)}`, "iflag=nocache", "count=0", "status=none"]);
	await m.start(options);
	return { m, disk };
}

/** Reads a file in a process of its own: what came, and how long that took. */
function reading(path: string): Promise<{ code: number; length: number; same: boolean; ms: number }> {
	const start = performance.now();
	const child = spawn("cat", [path], { stdio: ["ignore", "pipe", "ignore"] });
	const parts: Buffer[] = [];
	child.stdout.on("data", (part: Buffer) => parts.push(part));
	return new Promise((resolve) => {
		child.once("close", (code) => {
			const got = Buffer.concat(parts);
			resolve({ code: code ?? -1, length: got.length, same: got.equals(content), ms: performance.now() - start });
		});
	});
}

/** The longest of many writes and looks at what is in memory, within a second. */
async function longestMs(dir: string): Promise<number> {
	let longest = 0;
	let before = performance.now();
	const until = before + 1000;
	const fd = openSync(join(dir, "written"), "r+");
	for (; before < until; before = performance.now()) {
		writeSync(fd, Buffer.alloc(4096, "w"), 0, 4096, 0);
		readFileSync(join(dir, "warm"));
		longest = Math.max(longest, performance.now() - before);
		await sleep(5);
	}
	closeSync(fd);
	return longest;
}

declare(`a slow read of what is not in memory delays nothing else${loopReason}`, async (t) => {
	const { m, disk } = await coldFiles(t, {});
	await disk.slow(slowMs);
	const reads = [0, 1, 2, 3].map((n) => reading(join(m.dir, `cold${n}`)));
	await sleep(200);
	const longest = await longestMs(m.dir);
	t.true(longest < slowMs / 3, `a write took ${longest} ms`);
	for (const { code, same, ms } of await Promise.all(reads)) {
		t.is(code, 0);
		t.true(same);
		t.true(ms >= slowMs);
	}
	const { readers } = await m.report();
	t.true(readers > 0, "threads of their own as reads wait for one another");
	// In memory now: no thread is needed, and the disk is not asked.
	const again = await reading(join(m.dir, "cold0"));
	t.true(again.same && again.ms < slowMs);
	await disk.slow(0);
	await m.stop();
});

declare(`a read that fails is EIO, and what is closed or goes meanwhile does no harm${loopReason}`, async (t) => {
	const { m, disk } = await coldFiles(t, {});
	await disk.slow(slowMs);
	// Its reader is killed, and the mount is taken away while the disk is still being asked.
	const child = spawn("cat", [join(m.dir, "cold0")], { stdio: "ignore" });
	await sleep(300);
	child.kill("SIGKILL");
	await disk.slow(0);
	t.true((await reading(join(m.dir, "cold1"))).same);
	await disk.fail(100, 1);
	const failed = await reading(join(m.dir, "cold2"));
	t.not(failed.code, 0);
	t.is(failed.length, 0);
	await disk.heal();
	t.true((await reading(join(m.dir, "cold2"))).same);
	await disk.slow(slowMs);
	const last = reading(join(m.dir, "cold3"));
	await sleep(300);
	t.is((await m.order({ do: "unmount", detach: true })).unmounted, 0);
	t.true((await last).same, "whoever has it open gets it");
	await disk.slow(0);
});

declare(`where the thread waits for the disk itself, everything waits with it${loopReason}`, async (t) => {
	const { m, disk } = await coldFiles(t, { readsItself: true });
	await disk.slow(slowMs);
	const slow = reading(join(m.dir, "cold0"));
	await sleep(200);
	t.true((await longestMs(m.dir)) > slowMs / 2);
	t.true((await slow).same);
	await disk.slow(0);
	await m.stop();
});
