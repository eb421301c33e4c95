/** Reads a file for a checker: judged by where it really is, once it is held open. */
import { constants } from "node:fs";
import { open, readlink } from "node:fs/promises";
import { bodyLimit } from "../outside.ts";
import type { Judge } from "../permissions.ts";
import { Few } from "./few.ts";

/** A file system that hangs must not take every thread of the daemon with it. */
const reads = new Few(2);
const readMs = 5000;
/** O_PATH: held without being opened, so that nothing happens to a device or a pipe. Node does not name it. */
const hold = 0o10000000;

/** @throws Error when it leads out of what is permitted, is no ordinary file, or is over 1 MiB. */
export async function readFile(judge: Judge, path: string): Promise<string> {
	return await reads.run(readMs, () => read(judge, path));
}

async function read(judge: Judge, path: string): Promise<string> {
	const held = await open(path, hold);
	try {
		const own = `/proc/self/fd/${held.fd}`;
		const real = await readlink(own);
		if (!judge.mayRead(real)) throw new Error(`${path} is really ${real}, which permissions.read does not name`);
		if (!(await held.stat()).isFile()) throw new Error(`${path} is no ordinary file`);
		// The same file, whatever stands at its path by now.
		const file = await open(own, constants.O_RDONLY | constants.O_NONBLOCK);
		try {
			const bytes = Buffer.alloc(bodyLimit + 1);
			let size = 0;
			for (let got = 1; got > 0 && size < bytes.length; size += got) {
				got = (await file.read(bytes, size, Math.min(65_536, bytes.length - size), null)).bytesRead;
			}
			if (size > bodyLimit) throw new Error(`${path} is over 1 MiB`);
			return bytes.toString("utf8", 0, size);
		} finally {
			await file.close();
		}
	} finally {
		await held.close();
	}
}
