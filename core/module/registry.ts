/** Which modules a server has, and their ids: persistent, unique, from 1 on (spec/05 §1). */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { SafekitError } from "../errors.ts";
import { makeFolder, replaceFile } from "./files.ts";
import type { Paths } from "./paths.ts";
import { maxModuleId } from "./ports.ts";

const shape = z.record(z.string(), z.number().int().min(1).max(maxModuleId));
type Ids = Record<string, number>;

/** Names beside the modules in `$SAFE/modules`. */
const reserved = ["lastconfig"];

/** A name that is safe as a folder, a resource and an argument; throws MODULE_NAME. */
export function checkModuleName(name: string): string {
	if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name) && !reserved.includes(name)) return name;
	throw new SafekitError("MODULE_NAME", `${JSON.stringify(name.slice(0, 80))} is no name for a module`);
}

function registryPath(paths: Paths): string {
	return join(paths.safe, "private/conf/modules.json");
}

export async function readIds(paths: Paths): Promise<Map<string, number>> {
	let text: string;
	try {
		text = await readFile(registryPath(paths), "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
		throw error;
	}
	try {
		return new Map(Object.entries(shape.parse(JSON.parse(text))));
	} catch (cause) {
		const remedy =
			"Remove the file and install the modules again with `module install -r -M ID`, with the ids of the other server.";
		throw new SafekitError("CONFIG_DAMAGED", `${registryPath(paths)} is damaged`, { remedy, cause });
	}
}

/** The id of an installed module; throws MODULE_UNKNOWN. */
export async function idOf(paths: Paths, name: string): Promise<number> {
	const id = (await readIds(paths)).get(checkModuleName(name));
	if (id === undefined) throw new SafekitError("MODULE_UNKNOWN", `no module ${name} is installed`);
	return id;
}

/** Gives `name` the id `wanted`, else keeps its id, else the lowest free one. Call it under the module lock. */
export async function assignId(paths: Paths, name: string, wanted?: number): Promise<number> {
	const ids = await readIds(paths);
	const id = chooseId(ids, name, wanted);
	if (ids.get(name) !== id) await write(paths, { ...Object.fromEntries(ids), [name]: id });
	return id;
}

/** What `assignId` would give; throws MODULE_ID. */
export function chooseId(ids: ReadonlyMap<string, number>, name: string, wanted?: number): number {
	const taken = new Map([...ids].filter(([other]) => other !== name).map(([other, id]) => [id, other]));
	if (wanted === undefined) {
		const own = ids.get(name);
		if (own !== undefined) return own;
		const free = Array.from({ length: maxModuleId }, (_, index) => index + 1).find((id) => !taken.has(id));
		if (free === undefined) throw new SafekitError("MODULE_ID", `all ${maxModuleId} ids are in use`);
		return free;
	}
	if (!Number.isInteger(wanted) || wanted < 1 || wanted > maxModuleId)
		throw new SafekitError("MODULE_ID", `${wanted} is no module id`);
	const other = taken.get(wanted);
	if (other !== undefined) throw new SafekitError("MODULE_ID", `the id ${wanted} belongs to the module ${other}`);
	return wanted;
}

export async function dropId(paths: Paths, name: string): Promise<void> {
	const ids = await readIds(paths);
	if (ids.delete(name)) await write(paths, Object.fromEntries(ids));
}

async function write(paths: Paths, ids: Ids): Promise<void> {
	await makeFolder(dirname(registryPath(paths)));
	await replaceFile(registryPath(paths), `${JSON.stringify(ids, null, "\t")}\n`);
}
