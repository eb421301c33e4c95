/** A file without a name that outlives the process of the isolates: who was inside one of them when it died. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Each holds the number of a checker, or 0: one for every thread that may be inside an isolate. */
export const boxPlaces = 3;
export const boxBytes: number = boxPlaces * Int32Array.BYTES_PER_ELEMENT;

/** A descriptor, for the process to map and for the daemon to read. */
export function makeBox(folder: string): number {
	const path = mkdtempSync(join(folder, "box-"));
	const box = openSync(join(path, "box"), "w+", 0o600);
	rmSync(path, { recursive: true });
	ftruncateSync(box, boxBytes);
	return box;
}

/** Who is in it; it is closed then. */
export function emptyBox(box: number): number[] {
	const places = new Int32Array(boxPlaces);
	try {
		readSync(box, places, 0, boxBytes, 0);
	} catch {}
	closeSync(box);
	return [...new Set(places)].filter((id) => id > 0);
}
