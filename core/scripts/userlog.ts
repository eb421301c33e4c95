/** User logs: one file for each run of a script, written by the script itself, bounded in size and number (spec/03 §6). */
import {
	closeSync,
	fstatSync,
	ftruncateSync,
	mkdirSync,
	openSync,
	readdirSync,
	readSync,
	rmSync,
	statSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";

/** User logs that a module keeps. */
export const userlogCount = 100;
export const defaultSizeKb = 2048;
const userlogName = /^userlog_(\d{4}-\d{2}-\d{2}T\d{6})_\w+\.ulog$/;
/** Two runs of a script within a second get the next free second; more than this in a row is no normal life. */
const secondsToTry = 600;

export interface Userlog {
	name: string;
	/** Open for appending; the caller closes it once the script has it. */
	fd: number;
}

/** Makes the log of a run that starts now, with its header line. Throws when the folder does not take it. */
export function openUserlog(folder: string, script: string, now: Date): Userlog {
	for (let ahead = 0; ; ahead++) {
		const name = nameAt(script, new Date(now.getTime() + ahead * 1000));
		try {
			const fd = openSync(join(folder, name), "ax", 0o640);
			writeHeader(fd, `----------- ${localDate(now)}T${localTime(now, ":")} ${script}\n`);
			return { name, fd };
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST" || ahead >= secondsToTry) throw error;
		}
	}
}

/** A full disk may refuse the header; the script still gets its file. */
function writeHeader(fd: number, header: string): void {
	try {
		writeSync(fd, header);
	} catch {
		// What the script prints is lost as well then; that is no reason not to run it.
	}
}

function nameAt(script: string, at: Date): string {
	return `userlog_${localDate(at)}T${localTime(at, "")}_${script}.ulog`;
}

function localDate(at: Date): string {
	return [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
}

function localTime(at: Date, between: string): string {
	return [two(at.getHours()), two(at.getMinutes()), two(at.getSeconds())].join(between);
}

function two(number: number): string {
	return String(number).padStart(2, "0");
}

/** Makes room for one more log: removes the oldest of `count`, and cuts those that are over `limitBytes`. */
export function makeRoom(folder: string, limitBytes: number, count = userlogCount): void {
	mkdirSync(folder, { recursive: true, mode: 0o755 });
	const logs = userlogsIn(folder);
	const keep = count - 1;
	for (const { name } of logs.slice(keep)) rmSync(join(folder, name), { force: true });
	for (const { name, size } of logs.slice(0, keep)) if (size > limitBytes) trimUserlog(join(folder, name), limitBytes);
}

/** Newest first, by the last write: a script that still prints is never the oldest. */
function userlogsIn(folder: string): { name: string; size: number; writtenMs: number }[] {
	const logs = readdirSync(folder).flatMap((name) => {
		if (!userlogName.test(name)) return [];
		const stat = statSync(join(folder, name), { throwIfNoEntry: false });
		return stat?.isFile() ? [{ name, size: stat.size, writtenMs: stat.mtimeMs }] : [];
	});
	return logs.sort((a, b) => b.writtenMs - a.writtenMs || (a.name < b.name ? 1 : -1));
}

/**
 * Cuts a log that has grown beyond its limit to its first line and its last half. In place, because the script and
 * what it started go on appending to this very file.
 */
export function trimUserlog(file: string, limitBytes: number): void {
	const fd = openIfThere(file);
	if (fd === null) return;
	try {
		const size = fstatSync(fd).size;
		if (size <= limitBytes) return;
		const head = read(fd, 0, Math.min(256, size));
		const header = head.subarray(0, head.indexOf(10) + 1);
		const tail = read(fd, size - Math.floor(limitBytes / 2), Math.floor(limitBytes / 2));
		const cut = tail.subarray(tail.indexOf(10) + 1);
		const dropped = size - header.length - cut.length;
		const kept = Buffer.concat([header, Buffer.from(`[${dropped} bytes were cut: userlogsize]\n`), cut]);
		// What is printed between these two calls is lost; the file is in order at any moment.
		writeSync(fd, kept, 0, kept.length, 0);
		ftruncateSync(fd, kept.length);
	} catch {
		// A disk that refuses this now is asked again at the next look.
	} finally {
		closeSync(fd);
	}
}

function openIfThere(file: string): number | null {
	try {
		return openSync(file, "r+");
	} catch {
		return null;
	}
}

function read(fd: number, position: number, length: number): Buffer {
	const buffer = Buffer.alloc(length);
	return buffer.subarray(0, readSync(fd, buffer, 0, length, position));
}
