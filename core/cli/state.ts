/** `safekit state`: the shape that programs read (interfaces.md) and the one that a person reads. */
import type { Command } from "commander";
import { exitCode } from "../errors.ts";
import { formatUs } from "../log/clock.ts";
import { errorAsText } from "../log/errorTexts.ts";
import { gone, printJson, table } from "./call.ts";
import type { ModuleControl } from "./control.ts";
import { type Context, findModule, type ModuleOptions, moduleCommand, moduleName } from "./groups.ts";
import { remoteResources } from "./resources.ts";
import { shareOf, shareText, shareWhy } from "./share.ts";

interface StateOptions extends ModuleOptions {
	verbose?: boolean;
	line?: boolean;
	quick?: boolean;
	watch?: boolean;
}

/** Exit codes of `state -q` (spec/01 §2). */
const stateCodes: Record<string, number> = { STOP: 0, WAIT: 1, ALONE: 2, UP: 2, PRIM: 3, SECOND: 4 };
/** While something is copied, its progress is shown anew this often. */
const progressEveryMs = 1000;

export function state(program: Command, context: Context): void {
	moduleCommand(program, "state", "show the state of all modules, or of one", [
		"state",
		"state -m mirror -v",
		"state -m mirror -lq; echo $?",
		"state --watch",
		"state --json",
	])
		.option("-v, --verbose", "all resources, with the date of their last change")
		.option("-l, --line", "the local state only, on one line")
		.option("-q, --quick", "exit with 0 STOP, 1 WAIT, 2 ALONE or UP, 3 PRIM, 4 SECOND")
		.option("--watch", "show each change until Ctrl-C")
		.action(async (options: StateOptions) => {
			if (options.watch) return follow(context, options);
			if (options.verbose) return showVerbose(context, options);
			if (options.line || options.quick) return showLine(context, options);
			await show(context, options);
		});
}

/** One module as interfaces.md fixes it. */
export function stateAsJson(module: ModuleControl) {
	const { configuration } = module;
	const view = module.view();
	const share = shareOf(module);
	return {
		name: configuration.module,
		id: configuration.id,
		mode: configuration.mode,
		state: view.main,
		status: view.status,
		peer: view.peer,
		uptodate: view.uptodate,
		resync: module.progress(),
		rule: view.rule,
		...(share === null ? {} : { share }),
		why: share === null ? view.why : `${view.why}${shareWhy(module, share)}`,
	};
}

function chosen(context: Context, options: StateOptions): ModuleControl[] {
	const named = options.module ?? context.call.module;
	return named === undefined ? context.node.modules() : [findModule(context, options)];
}

async function snapshot(context: Context, options: StateOptions) {
	return { node: await context.node.nodeName(), modules: chosen(context, options).map(stateAsJson) };
}

async function show(context: Context, options: StateOptions): Promise<void> {
	for (const [name, error] of context.node.failures()) {
		context.call.err(`Module ${name} could not be loaded. ${errorAsText(error)}`);
	}
	const now = await snapshot(context, options);
	if (options.json) printJson(context.call, now);
	else context.call.out(asText(now));
}

function asText({ node, modules }: Awaited<ReturnType<typeof snapshot>>): string {
	const head = `Node ${node ?? "(not in a cluster: `safekit cluster config` applies one)"}\n`;
	if (modules.length === 0) return `${head}No module is configured. \`safekit module list\` shows those installed.\n`;
	const parts = modules.map((module) => {
		const peer = `${module.peer.state} (${module.peer.status})`;
		const details = [
			module.uptodate === null ? "" : module.uptodate ? "uptodate" : "not uptodate",
			module.share === undefined ? "" : shareText(module.share),
			module.rule ?? "",
		];
		const rows = [
			["  Local", `: ${module.state} (${module.status}) ${details.filter(Boolean).join(", ")}`.trimEnd()],
			...(module.mode === "mirror" ? [["  Remote", `: ${peer}`]] : []),
			...(module.share === undefined || module.share.members.length === 0
				? []
				: [["  Farm", `: ${module.share.members.join(", ")}`]]),
			...(module.resync === null
				? []
				: [[module.resync.verifying ? "  Verify" : "  Resync", `: ${resyncText(module.resync)}`]]),
			["  Why", `: ${module.why}`],
		];
		return `--------------------- ${module.name} State ---------------------\n\n${table(rows)}`;
	});
	return `${head}${parts.join("\n")}`;
}

function resyncText(resync: NonNullable<ReturnType<ModuleControl["progress"]>>): string {
	const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
	const left = resync.leftS === null ? "" : `, ${Math.ceil(resync.leftS)} s left`;
	const rate = `${resync.mbPerS.toFixed(1)} MB/s`;
	return `${mb(resync.doneBytes)} of ${mb(resync.totalBytes)} MB, ${resync.files} files, ${rate}${left}`;
}

async function showLine(context: Context, options: StateOptions): Promise<void> {
	const module = findModule(context, options);
	const { main, status } = module.view();
	if (options.json) printJson(context.call, await snapshot(context, options));
	else if (options.line) context.call.out(`${main} ${status}\n`);
	if (options.quick) context.exit = stateCodes[main] ?? exitCode.failed;
}

async function showVerbose(context: Context, options: StateOptions): Promise<void> {
	const modules = chosen(context, options);
	if (options.json) {
		const now = await snapshot(context, options);
		const resources = modules.map((module) => module.resources.all());
		const remote = modules.map(remoteResources);
		const full = now.modules.map((one, i) => ({ ...one, resources: resources[i] ?? [], remote: remote[i] ?? {} }));
		return printJson(context.call, { ...now, modules: full });
	}
	await show(context, options);
	for (const module of modules) {
		const rows = module.resources.all().map(({ name, value, us }) => [`  ${name}`, value, formatUs(us).slice(0, 19)]);
		context.call.out(`\nResources of ${module.configuration.module}\n${table(rows)}`);
		const remote = Object.entries(remoteResources(module)).map(([name, value]) => [`  remote.${name}`, value]);
		if (remote.length > 0) context.call.out(table(remote));
		await module.runScript("state", [], (text) => context.call.out(text));
	}
}

/** Prints the state at each change; with `--json` one object a line. */
async function follow(context: Context, options: StateOptions): Promise<void> {
	if (options.module !== undefined || context.call.module !== undefined) moduleName(context, options);
	let last = "";
	const look = (): void => void tell().catch((error) => context.call.err(errorAsText(error)));
	const tell = async (): Promise<void> => {
		const now = await snapshot(context, options);
		const text = options.json ? `${JSON.stringify(now)}\n` : asText(now);
		if (text === last) return;
		last = text;
		context.call.out(options.json ? text : `${formatUs(Date.now() * 1000).slice(0, 19)}\n${text}\n`);
	};
	await tell();
	const stops = chosen(context, options).map((module) => module.watch(look));
	const timer = setInterval(look, progressEveryMs);
	await gone(context.call.signal);
	clearInterval(timer);
	for (const stop of stops) stop();
}
