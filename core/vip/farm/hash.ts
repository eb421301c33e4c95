/**
 * Which bucket a client falls into, as the kernel's filter computes it: Jenkins' hash of nftables, `jhash … mod 256
 * seed`. Pure. The kernel hashes words in the machine's own order, which is little-endian on all that this runs on.
 */
import { isIPv4 } from "node:net";
import { buckets } from "../../engine/farm/group.ts";

/** The same on all nodes and for all groups, so that a client meets the same server in groups of the same weights. */
export const seed = 0x5afe;

const initial = 0xdeadbeef;

/**
 * `on_addr` hashes the client's address, `on_port` its address and port. `on_ipid` changes with every packet: there is
 * no bucket of a client (null).
 */
export function bucketOf(filter: "on_addr" | "on_port" | "on_ipid", addr: string, port: number): number | null {
	if (filter === "on_ipid") return null;
	const words = wordsOf(addr);
	// The kernel pads each part of a concatenation to four bytes.
	if (filter === "on_port") words.push(((port & 0xff) << 8) | (port >>> 8));
	return Number((BigInt(jhash(words, seed)) * BigInt(buckets)) >> 32n);
}

function wordsOf(addr: string): number[] {
	if (isIPv4(addr)) {
		const [a = 0, b = 0, c = 0, d = 0] = addr.split(".").map(Number);
		return [(a | (b << 8) | (c << 16) | (d << 24)) >>> 0];
	}
	const compressed = new URL(`http://[${addr.split("%")[0]}]/`).hostname.slice(1, -1);
	const [head = "", tail] = compressed.split("::");
	const groups = (text: string): number[] =>
		text === "" ? [] : text.split(":").map((each) => Number.parseInt(each, 16));
	const [before, after] = [groups(head), groups(tail ?? "")];
	const all = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after].map(swap16);
	return [0, 2, 4, 6].map((at) => ((all[at] ?? 0) | ((all[at + 1] ?? 0) << 16)) >>> 0);
}

function swap16(group: number): number {
	return ((group & 0xff) << 8) | (group >>> 8);
}

/** Bob Jenkins' lookup3 as in include/linux/jhash.h, over whole words. */
function jhash(words: readonly number[], start: number): number {
	const first = (initial + words.length * 4 + start) >>> 0;
	let [a, b, c] = [first, first, first];
	let at = 0;
	for (; words.length - at > 3; at += 3) {
		[a, b, c] = mix((a + word(words, at)) >>> 0, (b + word(words, at + 1)) >>> 0, (c + word(words, at + 2)) >>> 0);
	}
	if (words.length === at) return c;
	return final((a + word(words, at)) >>> 0, (b + word(words, at + 1)) >>> 0, (c + word(words, at + 2)) >>> 0);
}

function word(words: readonly number[], at: number): number {
	return words[at] ?? 0;
}

function rotate(value: number, by: number): number {
	return ((value << by) | (value >>> (32 - by))) >>> 0;
}

function mix(a: number, b: number, c: number): [number, number, number] {
	a = ((a - c) ^ rotate(c, 4)) >>> 0;
	c = (c + b) >>> 0;
	b = ((b - a) ^ rotate(a, 6)) >>> 0;
	a = (a + c) >>> 0;
	c = ((c - b) ^ rotate(b, 8)) >>> 0;
	b = (b + a) >>> 0;
	a = ((a - c) ^ rotate(c, 16)) >>> 0;
	c = (c + b) >>> 0;
	b = ((b - a) ^ rotate(a, 19)) >>> 0;
	a = (a + c) >>> 0;
	c = ((c - b) ^ rotate(b, 4)) >>> 0;
	b = (b + a) >>> 0;
	return [a, b, c];
}

function final(a: number, b: number, c: number): number {
	c = ((c ^ b) - rotate(b, 14)) >>> 0;
	a = ((a ^ c) - rotate(c, 11)) >>> 0;
	b = ((b ^ a) - rotate(a, 25)) >>> 0;
	c = ((c ^ b) - rotate(b, 16)) >>> 0;
	a = ((a ^ c) - rotate(c, 4)) >>> 0;
	b = ((b ^ a) - rotate(a, 14)) >>> 0;
	return ((c ^ b) - rotate(b, 24)) >>> 0;
}
