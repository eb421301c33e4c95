/** `safekit rfs …`: what a server's copy lost and keeps in quarantine (replication.md §5.8). */
import { resolve, sep } from "node:path";
import type { Command } from "commander";
import { SafekitError } from "../errors.ts";
import { chooseKept, dropKept, type KeptEntry, listKept, planRestore } from "../replication/quarantine/kept.ts";
import { printJson, table } from "./call.ts";
import type { DataControl, ModuleControl } from "./control.ts";
import { type Context, findModule, inFolder, type ModuleOptions, moduleCommand, needsWord } from "./groups.ts";

interface RestoreOptions extends ModuleOptions {
	to?: string;
	force?: boolean;
}
interface DropOptions extends ModuleOptions {
	all?: boolean;
	force?: boolean;
}

/** What is named of many things. */
const mostNamed = 10;

export function rfs(program: Command, context: Context): void {
	const group = program.command("rfs").description("data that a server's copy lost: diverged, restore, drop");
	needsWord(group);
	moduleCommand(group, "diverged", "list what this server's copy lost and keeps in quarantine", [
		"rfs diverged -m mirror",
		"rfs diverged -m mirror --json",
	]).action((options: ModuleOptions) => diverged(context, options));
	moduleCommand(group, "restore <entry>", "copy an entry of the quarantine to a folder; it stays in quarantine", [
		"rfs restore 4f2a -m mirror --to /root/lost",
		"rfs restore 4f2a -m mirror --to /root/lost --dry-run",
	])
		.option("--to <folder>", "where to (default: MODULE-ENTRY in the current folder)")
		.option("--force", "replace files that are in the way")
		.option("--dry-run", "say what would be copied, change nothing")
		.action((entry: string, options: RestoreOptions) => restore(context, entry, options));
	moduleCommand(group, "drop [entry]", "delete an entry of the quarantine, or all, for good", [
		"rfs drop 4f2a -m mirror",
		"rfs drop --all -m mirror --force",
	])
		.option("--all", "every entry")
		.option("--force", "delete: without it, only what would be deleted is said")
		.option("--dry-run", "say what would be deleted, change nothing")
		.action((entry: string | undefined, options: DropOptions) => drop(context, entry, options));
}

/** The replicated data that a command speaks of. @throws SafekitError RFS_NONE. */
export function dataOf(module: ModuleControl): DataControl {
	if (module.data !== null) return module.data;
	throw new SafekitError("RFS_NONE", `Module '${module.configuration.module}' replicates no directories.`);
}

async function diverged(context: Context, options: ModuleOptions): Promise<void> {
	const module = findModule(context, options);
	const entries = await dataOf(module).withKept(listKept);
	if (options.json)
		return printJson(context.call, { module: module.configuration.module, entries: entries.map(asJson) });
	if (entries.length === 0) return context.call.out("Nothing is in quarantine on this server.\n");
	const rows = entries.map(({ entry, when, files, bytes, note }) => [
		entry,
		when.slice(0, 19).replace("T", " "),
		`${files} files`,
		`${(bytes / 1e6).toFixed(1)} MB`,
		whyOf(note),
	]);
	context.call.out(table(rows));
	const dirs = new Set(entries.flatMap(({ directories }) => directories.map(({ dir }) => dir)));
	for (const dir of dirs) context.call.out(`below ${dir}/.opensafe/quarantine once the module is stopped\n`);
	context.call.out(
		"`safekit rfs restore ENTRY --to FOLDER` copies an entry out, `safekit rfs drop ENTRY` deletes it.\n",
	);
}

function asJson({ entry, when, note, files, bytes, directories }: KeptEntry) {
	const origin = { node: note?.node ?? null, peer: note?.peer ?? null, outcome: note?.outcome ?? null };
	return { entry, when, ...origin, why: whyOf(note), files, bytes, directories };
}

function whyOf(note: KeptEntry["note"]): string {
	if (note === null) return "the reason was not noted";
	const { node, peer, outcome } = note;
	switch (outcome) {
		case "DIVERGED":
			return `both servers changed data while apart; the data of ${peer} was kept, this is what ${node} had`;
		case "NEW":
			return `${node} held this before its first synchronization from ${peer}`;
		case "UNRELATED":
			return `the data of ${node} had no common history with that of ${peer}, and gave way by second fullsync`;
		default:
			return `${node} lost this to the data of ${peer} (${outcome})`;
	}
}

async function restore(context: Context, given: string, options: RestoreOptions): Promise<void> {
	const module = findModule(context, options);
	const data = dataOf(module);
	await data.withKept(async (folders) => {
		const { entry, files, bytes } = chooseKept(await listKept(folders), given);
		const to = resolve(inFolder(context, options.to ?? `${module.configuration.module}-${entry}`));
		checkGoal(module, data, to);
		const { restored, taken } = await planRestore(folders, entry, to);
		if (taken.length > 0 && !options.force) {
			const named = `${taken.slice(0, mostNamed).join(", ")}${taken.length > mostNamed ? ", …" : ""}`;
			throw new SafekitError("RFS_EXISTS", `${taken.length} names are taken already: ${named}.`);
		}
		const result = { module: module.configuration.module, entry, to, files, bytes };
		const said = `${files} files, ${(bytes / 1e6).toFixed(1)} MB of ${entry}`;
		if (options.dryRun) {
			if (options.json) return printJson(context.call, { ...result, dryRun: true });
			return context.call.out(`would copy ${said} to ${to}\n`);
		}
		const complaints = await data.copy(restored, context.call.signal);
		if (complaints !== "") throw new SafekitError("RFS_COPY", `Not everything of ${entry} is copied: ${complaints}.`);
		if (options.json) return printJson(context.call, result);
		context.call.out(`${said} are copied to ${to}; \`safekit rfs drop ${entry}\` deletes them from quarantine\n`);
	});
}

/** What goes into a replicated directory has to be replicated: only where the mount takes changes. */
function checkGoal(module: ModuleControl, data: DataControl, to: string): void {
	const inside = data.directories.find((dir) => to === dir || to.startsWith(`${dir}${sep}`));
	const { main } = module.view();
	if (inside === undefined || main === "PRIM" || main === "ALONE") return;
	throw new SafekitError("RFS_WHERE", `${to} is replicated, and this server is ${main}: nothing may change it here.`);
}

async function drop(context: Context, given: string | undefined, options: DropOptions): Promise<void> {
	const module = findModule(context, options);
	if ((given === undefined) === (options.all !== true)) {
		throw new SafekitError("USAGE", "Name one entry, or --all; `safekit rfs diverged` lists them.");
	}
	if (module.view().main === "SECOND" && module.view().status === "Transient") {
		throw new SafekitError("RFS_BUSY", "This server is being synchronized, and may be filling its quarantine now.");
	}
	await dataOf(module).withKept(async (folders) => {
		const all = await listKept(folders);
		const chosen = given === undefined ? all : [chooseKept(all, given)];
		const names = chosen.map(({ entry }) => entry);
		const files = chosen.reduce((sum, entry) => sum + entry.files, 0);
		const said = `${names.length} entries with ${files} files`;
		const isReal = options.force === true && options.dryRun !== true;
		if (!isReal && options.dryRun !== true) throw new SafekitError("RFS_DROP", `${said} would be deleted for good.`);
		for (const name of isReal ? names : []) await dropKept(folders, name);
		if (isReal) module.write("safekit", "U", `Quarantine ${names.join(", ")} dropped by ${context.call.who}`);
		const result = { module: module.configuration.module, dropped: names, files, dryRun: !isReal };
		if (options.json) printJson(context.call, result);
		else context.call.out(isReal ? `${said} are deleted\n` : `would delete ${said}\n`);
	});
}
