/** Archives by date: `AM_<date>_<time>.safe`, of which the newest are kept (spec/05 §2). */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, removeTree } from "./files.ts";
import { exists } from "./trees.ts";

/** A file for an archive of now; one of the same second is not overwritten. */
export async function newArchive(folder: string, module: string): Promise<string> {
	await makeFolder(folder);
	for (let at = Date.now(); ; at += 1000) {
		const file = join(folder, stampedName(module, new Date(at)));
		if (!(await exists(file))) return file;
	}
}

/** Local time, as people compare it with their day. */
function stampedName(module: string, at: Date): string {
	const two = (number: number): string => String(number).padStart(2, "0");
	const date = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
	return `${module}_${date}_${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join("-")}.safe`;
}

const stamped = /^(.+)_(\d{4}-\d{2}-\d{2})_(\d{2})-(\d{2})-(\d{2})\.safe$/;

/** The archives of one module, oldest first. */
export async function stampedArchives(folder: string, module: string): Promise<string[]> {
	const names = await readdir(folder).catch(() => []);
	return names.filter((name) => stamped.exec(name)?.[1] === module).sort();
}

/** When an archive was made, `YYYY-MM-DD hh:mm:ss`. */
export function dateOfArchive(name: string): string {
	const [, , date, ...time] = stamped.exec(name) ?? [];
	return `${date} ${time.join(":")}`;
}

export async function keepNewest(folder: string, module: string, count: number): Promise<void> {
	const names = await stampedArchives(folder, module);
	for (const name of names.slice(0, Math.max(0, names.length - count))) await removeTree(join(folder, name));
}
