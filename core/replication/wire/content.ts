/** What travels of a file besides its entry: extended attributes, and all of a small one. */
import { type ByteReader, type ByteWriter, many } from "./bytes.ts";
import { maxWhole, maxXattrName, maxXattrValue } from "./limits.ts";

const mostExtended = 4096;

export interface ExtendedAttribute {
	name: Buffer;
	value: Buffer;
}

/** A regular file with these bytes and no others, and exactly these extended attributes. */
export interface Whole {
	data: Buffer;
	xattrs: ExtendedAttribute[];
}

export function writeExtended(w: ByteWriter, entries: readonly ExtendedAttribute[]): void {
	w.u32(entries.length);
	for (const { name, value } of entries) w.bytes(name).bytes(value);
}

export function readExtended(r: ByteReader): ExtendedAttribute[] {
	return many(r, mostExtended, () => ({ name: r.bytes(maxXattrName), value: r.bytes(maxXattrValue) }));
}

export function writeWhole(w: ByteWriter, whole: Whole | null): void {
	w.u8(whole === null ? 0 : 1);
	if (whole !== null) writeExtended(w.bytes(whole.data), whole.xattrs);
}

export function readWhole(r: ByteReader): Whole | null {
	return r.u8() === 0 ? null : { data: r.bytes(maxWhole), xattrs: readExtended(r) };
}
