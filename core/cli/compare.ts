/** `rfsdiff` and `rfsverify` (spec/06 §3): what a synchronization would look at, and whether both copies are the same. */
import type { Command } from "commander";
import { exitCode, SafekitError } from "../errors.ts";
import { printJson } from "./call.ts";
import type { DataControl, ModuleControl, Verdict } from "./control.ts";
import { type Context, findModule, type ModuleOptions, moduleCommand } from "./groups.ts";
import { dataOf } from "./rfs.ts";

/** Where nothing is known of the link and the disks. */
const assumedMbPerS = 100;
/** A measurement of less says more of latencies than of bandwidth. */
const leastMeasuredKb = 65_536;
const progressEveryMs = 2000;

export function compare(program: Command, context: Context): void {
	moduleCommand(program, "rfsdiff", "what a synchronization of the other server would compare, and how long it takes", [
		"rfsdiff -m mirror",
		"rfsdiff -m mirror --json",
	]).action((options: ModuleOptions) => diff(context, options));
	moduleCommand(
		program,
		"rfsverify",
		"compare both copies by digests while the application goes on; exit code 1 if they differ",
		["rfsverify -m mirror", "rfsverify -m mirror --json"],
	).action((options: ModuleOptions) => verify(context, options));
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);

async function diff(context: Context, options: ModuleOptions): Promise<void> {
	const module = findModule(context, options);
	const data = dataOf(module);
	const { main, peer } = module.view();
	if (main !== "ALONE" && main !== "PRIM") {
		const other = peer.state === "ALONE" || peer.state === "PRIM" ? " The other server is the primary." : "";
		throw new SafekitError("RFS_NOT_PRIMARY", `Only the primary knows what changed; this server is ${main}.${other}`);
	}
	const { everything, directories, files, bytes } = await data.estimate();
	const speed = speedOf(module);
	const seconds = Math.ceil(bytes / 1e6 / speed.mbPerS + files / 5000);
	const { module: name } = module.configuration;
	if (options.json) {
		const result = { everything, directories, files, bytes, seconds, mbPerS: speed.mbPerS, speed: speed.from };
		return printJson(context.call, { module: name, ...result });
	}
	const what = everything
		? "Everything would be compared"
		: `${directories} directories would be compared entry by entry`;
	context.call.out(`${what}, and at most ${files} files with ${mb(bytes)} MB; what is equal is not sent.\n`);
	context.call.out(`About ${seconds} s at ${speed.mbPerS.toFixed(1)} MB/s (${speed.from}).\n`);
}

/** The configured limit, else what the last synchronization has reached, else an assumption. */
function speedOf(module: ModuleControl): { mbPerS: number; from: string } {
	const limit = module.configuration.rfs?.reiAllowedBandwidth ?? null;
	const numberOf = (name: string): number => Number(module.resources.get(`rfs.${name}`)?.value ?? 0);
	const [kb, seconds] = [numberOf("rei_copy_size_metric"), numberOf("rei_copy_time_metric")];
	const measured = kb >= leastMeasuredKb && seconds > 0 ? (kb * 1.024) / 1000 / seconds : null;
	const known = measured ?? assumedMbPerS;
	if (limit !== null && (limit * 1.024) / 1000 < known) {
		return { mbPerS: (limit * 1.024) / 1000, from: "the limit reiallowedbw" };
	}
	return measured === null
		? { mbPerS: assumedMbPerS, from: "assumed" }
		: { mbPerS: measured, from: "as in the last synchronization" };
}

async function verify(context: Context, options: ModuleOptions): Promise<void> {
	const module = findModule(context, options);
	const data = dataOf(module);
	const { main, status } = module.view();
	if ((main !== "PRIM" && main !== "SECOND") || status !== "Ready") {
		const found = `this server is ${main} ${status}`;
		throw new SafekitError("RFS_NO_SESSION", `Both copies can be compared while both servers are Ready; ${found}.`);
	}
	const startedMs = Date.now();
	const verdict = await withProgress(context, module, options, data);
	const seconds = Math.round((Date.now() - startedMs) / 100) / 10;
	const equal = verdict.count === 0;
	if (!equal) context.exit = exitCode.failed;
	if (options.json) {
		return printJson(context.call, { module: module.configuration.module, equal, ...verdict, seconds });
	}
	const compared = `${verdict.files} files, ${mb(verdict.bytes)} MB compared in ${seconds} s`;
	if (equal) return context.call.out(`Both copies are equal: ${compared}.\n`);
	for (const path of verdict.differences ?? []) context.call.out(`${path}\n`);
	const shown = verdict.differences?.length ?? 0;
	if (verdict.differences === null) context.call.out("The primary's log (`safekit log`) names what differs.\n");
	else if (shown < verdict.count) context.call.out(`… and ${verdict.count - shown} more\n`);
	context.call.err(`${verdict.count} paths differ; ${compared}.\n`);
	context.call.err(
		"What differs is marked: `safekit stop`, then `safekit start`, on the secondary copies it from the primary.\n",
	);
}

async function withProgress(
	context: Context,
	module: ModuleControl,
	options: ModuleOptions,
	data: DataControl,
): Promise<Verdict> {
	const tell = (): void => {
		const progress = module.progress();
		if (progress?.verifying !== true) return;
		const { doneBytes, totalBytes, files, mbPerS } = progress;
		context.call.err(`${mb(doneBytes)} of ${mb(totalBytes)} MB, ${files} files, ${mbPerS.toFixed(1)} MB/s\n`);
	};
	const timer = options.json ? undefined : setInterval(tell, progressEveryMs);
	try {
		return module.view().main === "PRIM" ? await data.verify() : await data.askVerify(context.call.signal);
	} finally {
		clearInterval(timer);
	}
}
