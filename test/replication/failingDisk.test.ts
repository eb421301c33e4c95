/**
 * A disk that takes writes into its cache and cannot store them: a file system in a sparse file on a tmpfs that is
 * too small for it. The kernel says so once, with the next sync, and then takes the lost pages for clean.
 */
import { execFileSync } from "node:child_process";
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { Pair } from "./pair.ts";

const piece = Buffer.alloc(1 << 20, "written and acknowledged ");
const pieces = 40;

/** Mounts it on `dir`. */
function mountFailing(t: ExecutionContext, base: string, dir: string): void {
	const store = join(base, "store");
	mkdirSync(store);
	execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", store]);
	t.teardown(() => quietly("umount", "-l", store));
	const image = join(store, "image");
	execFileSync("truncate", ["-s", "200M", image]);
	execFileSync("mkfs.ext4", ["-q", "-O", "^has_journal", image]);
	t.teardown(() => quietly("umount", "-l", dir));
	execFileSync("mount", ["-o", "loop", image, dir]);
}

function quietly(command: string, ...args: string[]): boolean {
	try {
		execFileSync(command, args, { stdio: "ignore" });
		return true;
	} catch {
		return false;
	}
}

const hasLoop = quietly("losetup", "-f");
const declare = hasLoop ? test.serial : test.serial.skip;
const reason = hasLoop ? "" : " (skipped: this machine has no loop devices)";

for (const how of ["an fsync", "the loss of the peer"] as const) {
	declare(
		`the primary's disk fails, found by ${how}: no seal, no second try, the other has everything${reason}`,
		async (t) => {
			const pair = await Pair.make(t);
			const { a, b } = pair;
			mountFailing(t, pair.root, a.dir);
			await pair.up();
			const fd = openSync(join(a.dir, "file"), "w");
			for (let n = 0; n < pieces; n++) writeSync(fd, piece);
			if (how === "an fsync") {
				t.throws(() => fsyncSync(fd));
				t.regex((await a.until("diskFailed")).message, /(EIO|ENOSPC)/);
				t.throws(() => fsyncSync(fd), { code: "EIO" }, "what is lost is not reported as synced by a second try");
				t.throws(() => writeFileSync(join(a.dir, "more"), ""), { code: "EIO" });
				closeSync(fd);
			} else {
				closeSync(fd);
				pair.proxy.cut();
				await a.until("peerLost");
				await t.throwsAsync(a.ask({ order: "sync" }, "synchronised"), { message: /cannot be synced/ });
			}
			await t.throwsAsync(a.ask({ order: "fail" }, "sealed"), { message: /no seal/ });
			await t.throwsAsync(a.ask({ order: "seal" }, "sealed"), { message: /no seal/ });
			t.is(a.records?.seal, "open");
			t.true(a.records?.crashed);
			await b.ask({ order: "promote" }, "promoted");
			await b.ask({ order: "serve", term: pair.term + 10, alone: true }, "serving");
			const there = readFileSync(join(b.dir, "file"));
			t.true(there.equals(Buffer.concat(Array(pieces).fill(piece))));
		},
	);
}
