/** What is copied: large files, many small ones, and files that are mostly holes. */

import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { run } from "../machine.ts";
import type { Bench } from "../measure.ts";

const program = join(import.meta.dirname, "../works/filesWorker.ts");
const noLimitS = 3600;

/** `count` files of `mb` MiB each that do not compress. */
export function makeLarge(folder: string, count: number, mb: number): void {
	mkdirSync(folder, { recursive: true });
	const block = randomBytes(8 << 20);
	for (let n = 0; n < count; n++) {
		const fd = openSync(join(folder, `large-${n}`), "wx");
		for (let done = 0; done < mb << 20; done += block.length) {
			// No two blocks are the same.
			block.writeUInt32LE(n, 0);
			block.writeDoubleLE(done, 8);
			writeSync(fd, block, 0, Math.min(block.length, (mb << 20) - done));
		}
		closeSync(fd);
	}
}

/** Small files, a thousand in a folder. */
export async function makeSmall(bench: Bench, folder: string, count: number, bytes: number): Promise<void> {
	await files(bench, "create", folder, count, bytes);
}

/** Overwrites one in a hundred of them, in every folder some. */
export async function changeSome(bench: Bench, folder: string, count: number): Promise<void> {
	await files(bench, "change", folder, Math.floor(count / 100), 64);
}

async function files(bench: Bench, what: string, folder: string, count: number, bytes: number): Promise<void> {
	const args = ["--no-warnings", program, what, folder, String(count), String(bytes), String(noLimitS)];
	await run(bench.signal, process.execPath, args);
}

/** A file of `gb` GB in which 1 MiB out of every `everyGb` GB is written. */
export function makeSparse(file: string, gb: number, everyGb: number): void {
	const fd = openSync(file, "wx");
	ftruncateSync(fd, gb * 1e9);
	const block = randomBytes(1 << 20);
	for (let at = 0; at < gb; at += everyGb) {
		block.writeDoubleLE(at, 0);
		writeSync(fd, block, 0, block.length, at * 1e9);
	}
	closeSync(fd);
}
