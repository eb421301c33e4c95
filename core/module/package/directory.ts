/**
 * Reads the directory of a zip. Our own reader, because a package is not trusted: adm-zip builds an object for every
 * entry and for each of its parent folders before anything can be counted, so a small file could take all memory.
 */
import { crc32, inflateRawSync } from "node:zlib";
import { SafekitError } from "../../errors.ts";

export const maxEntries = 10_000;
export const maxInflatedBytes = 256 * 1024 * 1024;

export interface ZipEntry {
	rawName: Buffer;
	/** POSIX mode with its type bits, 0 if the packer knew none. */
	mode: number;
	size: number;
	compressedSize: number;
	method: number;
	crc: number;
	offset: number;
}

const endSize = 22;
const endSignature = 0x06054b50;
const centralSize = 46;
const centralSignature = 0x02014b50;
const localSize = 30;
const localSignature = 0x04034b50;

/** All entries, their number and declared sizes within the limits. Nothing is inflated. */
export function readDirectory(zip: Buffer): ZipEntry[] {
	const { end } = endOf(zip);
	const count = zip.readUInt16LE(end + 10);
	const size = zip.readUInt32LE(end + 12);
	const start = zip.readUInt32LE(end + 16);
	// Zip64 marks a field as too large for this record: then it is beyond our limits as well.
	if (count > maxEntries)
		throw new SafekitError("PACKAGE_LIMIT", `the package has ${count === 0xffff ? "65,535 or more" : count} entries`);
	if (start === 0xffffffff || size === 0xffffffff)
		throw new SafekitError("PACKAGE_LIMIT", "the package is larger than 4 GiB");
	if (zip.readUInt16LE(end + 8) !== count || start + size > end) throw damaged("its directory is cut off");
	const entries: ZipEntry[] = [];
	let at = start;
	let total = 0;
	for (let index = 0; index < count; index++) {
		const { entry, next } = readEntry(zip, at, end);
		total += entry.size;
		if (total > maxInflatedBytes)
			throw new SafekitError("PACKAGE_LIMIT", `the package inflates to more than 256 MiB (at ${shown(entry)})`);
		entries.push(entry);
		at = next;
	}
	// A count that lies would hide entries from us that other programs unpack.
	if (at !== start + size) throw damaged("its directory holds more than it counts");
	return entries;
}

/** Where its last record and its comment begin. @throws SafekitError PACKAGE_NOT_ZIP. */
export function endOf(zip: Buffer): { end: number; commentAt: number } {
	const last = zip.length - endSize;
	for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
		if (zip.readUInt32LE(at) !== endSignature) continue;
		if (at + endSize + zip.readUInt16LE(at + 20) === zip.length) return { end: at, commentAt: at + endSize };
	}
	throw new SafekitError("PACKAGE_NOT_ZIP", "the file is not a zip");
}

function readEntry(zip: Buffer, at: number, end: number): { entry: ZipEntry; next: number } {
	if (at + centralSize > end || zip.readUInt32LE(at) !== centralSignature) throw damaged("its directory is cut off");
	const nameLength = zip.readUInt16LE(at + 28);
	const next = at + centralSize + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
	if (next > end) throw damaged("its directory is cut off");
	const entry: ZipEntry = {
		rawName: zip.subarray(at + centralSize, at + centralSize + nameLength),
		mode: zip.readUInt16LE(at + 40),
		size: zip.readUInt32LE(at + 24),
		compressedSize: zip.readUInt32LE(at + 20),
		method: zip.readUInt16LE(at + 10),
		crc: zip.readUInt32LE(at + 16),
		offset: zip.readUInt32LE(at + 42),
	};
	if ((zip.readUInt16LE(at + 8) & 1) !== 0) {
		throw new SafekitError("PACKAGE_DAMAGED", `the entry ${shown(entry)} is encrypted`, {
			remedy: "Pack the module again without a password.",
		});
	}
	if (entry.method !== 0 && entry.method !== 8)
		throw damaged(`the entry ${shown(entry)} is compressed by method ${entry.method}, only deflate is read`);
	return { entry, next };
}

/** The bytes of one entry: never more than it declares, and exactly those that its checksum names. */
export function inflate(zip: Buffer, entry: ZipEntry): Buffer {
	const at = entry.offset;
	if (at + localSize > zip.length || zip.readUInt32LE(at) !== localSignature)
		throw damaged(`the entry ${shown(entry)} is not where the directory says`);
	const start = at + localSize + zip.readUInt16LE(at + 26) + zip.readUInt16LE(at + 28);
	const end = start + entry.compressedSize;
	if (end > zip.length) throw damaged(`the entry ${shown(entry)} is cut off`);
	const data =
		entry.method === 0 ? Buffer.from(zip.subarray(start, end)) : inflateBounded(zip.subarray(start, end), entry);
	if (data.length !== entry.size)
		throw damaged(`the entry ${shown(entry)} does not have the ${entry.size} bytes that it declares`);
	if (crc32(data) !== entry.crc) throw damaged(`the entry ${shown(entry)} does not match its checksum`);
	return data;
}

function inflateBounded(data: Buffer, entry: ZipEntry): Buffer {
	try {
		return inflateRawSync(data, { maxOutputLength: Math.max(1, entry.size) });
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
			throw new SafekitError(
				"PACKAGE_LIMIT",
				`the entry ${shown(entry)} inflates to more than the ${entry.size} bytes that it declares`,
				{ cause: error },
			);
		}
		throw damaged(`the entry ${shown(entry)} cannot be inflated`, error);
	}
}

function shown(entry: ZipEntry): string {
	return JSON.stringify(entry.rawName.toString("utf8").slice(0, 120));
}

function damaged(what: string, cause?: unknown): SafekitError {
	return new SafekitError("PACKAGE_DAMAGED", `the package is damaged: ${what}`, cause === undefined ? {} : { cause });
}
