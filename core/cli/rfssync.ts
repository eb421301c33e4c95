/** `rfssync` (spec/06 §3): how the next synchronization is done, when the copies came to be by other means. */
import type { Command } from "commander";
import { SafekitError } from "../errors.ts";
import { uidShape } from "../replication/records/declared.ts";
import { printJson } from "./call.ts";
import type { ModuleControl, SyncMode } from "./control.ts";
import { type Context, findModule, type ModuleOptions, moduleCommand } from "./groups.ts";
import { dataOf } from "./rfs.ts";

interface SyncOptions extends ModuleOptions {
	noDetect?: boolean;
}

const usage = "expected nothing, full, default, or external prim|second NAME";

export function rfssync(program: Command, context: Context): void {
	moduleCommand(
		program,
		"rfssync [words...]",
		"how the next synchronization is done: full, or with a copy that was made by hand (external)",
		[
			"rfssync -m mirror",
			"rfssync external prim nightly-1 -m mirror",
			"rfssync external second nightly-1 -m mirror",
			"rfssync -d second nightly-1 -m mirror",
			"rfssync full -m mirror",
		],
	)
		.option("-d, --no-detect", "as external; files changed by hand between the copy and the start are not looked for")
		.option("--dry-run", "say what would be declared, change nothing")
		.action((words: string[], options: ModuleOptions & { detect: boolean }) =>
			sync(context, words, { ...options, noDetect: !options.detect }),
		);
}

async function sync(context: Context, words: string[], options: SyncOptions): Promise<void> {
	const module = findModule(context, options);
	const data = dataOf(module);
	if (words.length === 0 && !options.noDetect) return show(context, module, options);
	const mode = modeOf(words, options.noDetect === true);
	if (mode?.mode === "external") checkState(module, mode);
	const said = sentenceOf(mode);
	if (!options.dryRun && mode === null) data.sync.forget();
	if (!options.dryRun && mode !== null) {
		await data.sync.declare(mode);
		module.write("rfsplug", "U", `Synchronization declared by ${context.call.who}: ${said}`);
	}
	const { module: name } = module.configuration;
	if (options.json) return printJson(context.call, { module: name, ...shown(mode), dryRun: options.dryRun === true });
	context.call.out(options.dryRun ? `would declare: ${said}\n` : `${said}\n`);
	const next = options.dryRun ? null : nextStep(module, mode);
	if (next !== null) context.call.out(`${next}\n`);
}

/** null: as usual. @throws SafekitError USAGE. */
function modeOf(words: string[], noDetect: boolean): SyncMode | null {
	const [first, ...rest] = words;
	if (!noDetect && words.length === 1 && first === "default") return null;
	if (!noDetect && words.length === 1 && first === "full") return { mode: "full", atMs: Date.now() };
	const [role, uid, ...more] = first === "external" ? rest : noDetect ? words : [];
	if ((role !== "prim" && role !== "second") || uid === undefined || more.length > 0)
		throw new SafekitError("USAGE", `'${words.join(" ")}' means nothing after rfssync; ${usage}.`);
	if (!uidShape.test(uid))
		throw new SafekitError("USAGE", `'${uid}' cannot name a copy; expected 1 to 24 letters, digits or _ . : @ -`);
	return { mode: "external", role, uid, atMs: Date.now(), detect: !noDetect };
}

function checkState(module: ModuleControl, { role, detect }: Extract<SyncMode, { mode: "external" }>): void {
	const { main } = module.view();
	if (main === "STOP" || (role === "prim" && detect && main === "ALONE")) return;
	const when = role === "prim" && detect ? "STOP or ALONE" : "STOP";
	throw new SafekitError("RFS_SYNC", `This is for a module in state ${when}; it is ${main} here.`);
}

function sentenceOf(mode: SyncMode | null): string {
	if (mode === null) return "the next synchronization is done as usual";
	if (mode.mode === "full") return "the next synchronization compares everything";
	const { role, uid, detect } = mode;
	const since = detect ? "" : "; what was changed by hand is not looked for";
	return role === "prim"
		? `a copy made of this server's data from now on is the backup ${uid}${since}`
		: `this server's data was restored from the backup ${uid}${since}`;
}

function nextStep(module: ModuleControl, mode: SyncMode | null): string | null {
	if (mode?.mode !== "external") return null;
	const { module: name } = module.configuration;
	if (mode.role === "second") return `Now \`safekit second -m ${name}\`.`;
	const there = `restore it on the other server, \`safekit rfssync external second ${mode.uid} -m ${name}\` there`;
	return module.view().main === "STOP"
		? `Now make the copy, then \`safekit prim -m ${name}\`; ${there}.`
		: `Now make the copy; ${there}.`;
}

function shown(mode: SyncMode | null) {
	if (mode === null) return { mode: "default" };
	return mode.mode === "full" ? { mode: "full" } : { mode: "external", role: mode.role, uid: mode.uid };
}

function show(context: Context, module: ModuleControl, options: SyncOptions): void {
	const { now } = dataOf(module).sync;
	if (options.json) printJson(context.call, { module: module.configuration.module, ...shown(now) });
	else context.call.out(`${sentenceOf(now)}\n`);
}
