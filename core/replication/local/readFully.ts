/** Reading a range of a file, waiting for the disk. */
import type { FileCalls } from "../system.ts";

/** Fills `into` up to the end of the file. −errno also when only a later part cannot be read: fewer bytes mean the end. */
export function readFully(system: FileCalls, fd: number, into: Buffer, offset: bigint): number {
	for (let done = 0; ; ) {
		const rest = done === 0 ? into : into.subarray(done);
		const got = system.pread(fd, rest, done === 0 ? offset : offset + BigInt(done));
		if (got < 0) return got;
		done += got;
		if (got === 0 || done === into.length) return done;
	}
}
