/** What a primary does whose disk takes writes into its cache and cannot store them. */
import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { hasLoop, loopReason, mountDisk } from "../disks.ts";
import { Pair } from "./pair.ts";

const piece = Buffer.alloc(1 << 20, "written and acknowledged ");
const pieces = 40;

/** More than the disk holds, into the cache; `early`: a write has failed. */
function fill(fd: number): { acknowledged: number; early: boolean } {
	for (let acknowledged = 0; acknowledged < pieces; acknowledged++) {
		try {
			writeSync(fd, piece);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EIO") throw error;
			return { acknowledged, early: true };
		}
	}
	return { acknowledged: pieces, early: false };
}

const declare = hasLoop ? test.serial : test.serial.skip;

for (const how of ["an fsync", "the loss of the peer"] as const) {
	declare(
		`the primary's disk fails, found by ${how}: no seal, no second try, the other has everything${loopReason}`,
		async (t) => {
			const pair = await Pair.make(t);
			const { a, b } = pair;
			mountDisk(t, pair.root, a.dir, { size: 200, room: 24 });
			await pair.up();
			const fd = openSync(join(a.dir, "file"), "w");
			const { acknowledged, early } = fill(fd);
			if (early) {
				// The kernel itself began to write back, so a write has found it already.
				await a.until("diskFailed");
				t.throws(() => fsyncSync(fd), { code: "EIO" });
				closeSync(fd);
			} else if (how === "an fsync") {
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
			const expected = Buffer.concat(Array(acknowledged).fill(piece));
			t.true(there.subarray(0, expected.length).equals(expected));
		},
	);
}
