/** How libc is called: errors as negative numbers, names as NUL-terminated bytes. */
import koffi from "koffi";
import type { Name } from "../../replication/system.ts";

const library = koffi.load("libc.so.6");

/** A C function; what it returns is handed through (−1 for an error, see `orErrno`). */
export function native(prototype: string): (...values: unknown[]) => number {
	return library.func(prototype) as unknown as (...values: unknown[]) => number;
}

/** The result, or −errno when it is −1. Must be called directly on the result, before any other call. */
export function orErrno(result: number): number {
	return result === -1 ? -koffi.errno() : result;
}

const longest = 4095;

/** A name as C wants it. Names longer than PATH_MAX are cut there, so that the kernel answers ENAMETOOLONG. */
export function terminated(name: Name): Buffer {
	const source = typeof name === "string" ? Buffer.from(name) : name;
	const length = Math.min(source.length, longest + 1);
	const out = Buffer.allocUnsafe(length + 1);
	source.copy(out, 0, 0, length);
	out[length] = 0;
	return out;
}

export const emptyName: Buffer = Buffer.from([0]);
