/** `safekit cluster …` as far as it concerns this server (spec/04 §2). */
import type { Command } from "commander";
import type { Cluster } from "../cluster/cluster.ts";
import { isLocked, readClusterConfiguration } from "../cluster/configuration.ts";
import {
	type ConfigRequest,
	type ConfigResult,
	checkClusterFile,
	configureCluster,
	createCluster,
	deconfigureCluster,
	deleteClusterKey,
	generateClusterKey,
	packageCluster,
} from "../cluster/operations.ts";
import { ownNode } from "../cluster/self.ts";
import { SafekitError } from "../errors.ts";
import { problemAsText } from "../log/errorTexts.ts";
import { configurationInfo } from "../module/active.ts";
import { printJson, table } from "./call.ts";
import { type Context, inFolder, type ModuleOptions, needsWord, plainCommand } from "./groups.ts";

const keyTexts = {
	made: 'A new cluster key was made: the other servers need it (`safekit -H "*" -G`, or `safekit cluster package FILE.zip` here and `safekit cluster config FILE.zip` there).',
	imported: "The cluster key came with the configuration.",
	kept: "The cluster key is as before.",
};

export function cluster(program: Command, context: Context): void {
	const group = program.command("cluster").description("the servers of the cluster: config, state, package …");
	needsWord(group);
	plainCommand(
		group,
		"config [file] [lock]",
		"apply a cluster.xml, or a .zip of `cluster package`; lock or unlock it",
		["cluster config /tmp/cluster.xml", "cluster config /tmp/cluster.zip", "cluster config lock"],
	)
		.option("--dry-run", "check the file, apply nothing")
		.action((first: string | undefined, second: string | undefined, options: ModuleOptions) =>
			config(context, [first, second], options),
		);
	plainCommand(group, "confcheck <file>", "say what is wrong with a cluster.xml", [
		"cluster confcheck /tmp/cluster.xml",
	]).action(async (file: string, options: ModuleOptions) => {
		const problems = await checkClusterFile(inFolder(context, file));
		for (const problem of problems) context.call.err(problemAsText(problem));
		if (options.json) printJson(context.call, { ok: true, problems });
		else context.call.out(`${file}: no error\n`);
	});
	plainCommand(group, "confinfo", "signature, date and lock of the configuration in force", [
		"cluster confinfo",
	]).action((options: ModuleOptions) => confinfo(context, options));
	plainCommand(group, "state", "the modules of this server in the cluster", ["cluster state"]).action(
		(options: ModuleOptions) => state(context, options),
	);
	changing(
		context,
		group,
		"deconfig",
		"remove configuration and key",
		"remove cluster.xml and the cluster key",
		async () => {
			refuseRunning(context);
			await deconfigureCluster(context.node.paths);
		},
	);
	changing(
		context,
		group,
		"genkey",
		"make a new cluster key; the other servers need it too",
		"replace the cluster key",
		() => generateClusterKey(context.node.paths),
	);
	changing(context, group, "delkey", "remove the cluster key", "remove the cluster key", () =>
		deleteClusterKey(context.node.paths),
	);
	filesForOthers(group, context);
}

/** What makes a cluster of more than one server: its first file, and the package that the others get. */
function filesForOthers(group: Command, context: Context): void {
	plainCommand(group, "create <ip1> <ip2> [more...]", "write a cluster.xml of the servers server0, server1 and so on", [
		"cluster create 10.0.0.1 10.0.0.2",
		"cluster create 10.0.0.1 10.0.0.2 10.0.0.3",
	])
		.option("--dry-run", "say what would be done, change nothing")
		.action(async (first: string, second: string, more: string[], options: ModuleOptions) => {
			const { paths } = context.node;
			if (options.dryRun) return context.call.out(`would write ${paths.clusterXml}\n`);
			await createCluster(paths, [first, second, ...more]);
			if (options.json) printJson(context.call, { file: paths.clusterXml });
			else context.call.out(`${paths.clusterXml} is written; apply it with \`safekit cluster config\`\n`);
		});
	plainCommand(group, "package <file>", "write cluster.xml and the key into a .zip for the next server (a secret)", [
		"cluster package /root/cluster.zip",
	]).action(async (file: string, options: ModuleOptions) => {
		const target = inFolder(context, file);
		await packageCluster(context.node.paths, target);
		if (options.json) printJson(context.call, { file: target });
		else context.call.out(`${target}: keep it secret, and remove it when the other server has it\n`);
	});
}

/** A command without arguments that changes cluster.xml or the key. */
function changing(
	context: Context,
	group: Command,
	name: string,
	description: string,
	would: string,
	work: () => Promise<unknown>,
): void {
	plainCommand(group, name, description, [`cluster ${name}`])
		.option("--dry-run", "say what would be done, change nothing")
		.action(async (options: ModuleOptions) => {
			if (options.dryRun) return context.call.out(`would ${would}\n`);
			await work();
			await reload(context);
			if (options.json) printJson(context.call, { done: name });
		});
}

async function config(context: Context, words: (string | undefined)[], options: ModuleOptions): Promise<void> {
	const isLock = (word: string | undefined): word is "lock" | "unlock" => word === "lock" || word === "unlock";
	const lock = words.find(isLock);
	const [file, ...more] = words.filter((word) => word !== undefined && !isLock(word)) as string[];
	if (more.length > 0)
		throw new SafekitError("USAGE", `'${more[0]}' is not understood; expected a file, then lock or unlock.`);
	const path = file === undefined ? undefined : inFolder(context, file);
	if (options.dryRun) {
		const problems = path === undefined ? [] : await checkClusterFile(path);
		for (const problem of problems) context.call.err(problemAsText(problem));
		context.call.out(`would apply ${path ?? context.node.paths.clusterXml}\n`);
		return;
	}
	const request = { ...(path === undefined ? {} : { file: path }), ...(lock === undefined ? {} : { lock }) };
	await tellApplied(context, await configureCluster(context.node.paths, { ...request, accept }), options);
}

/** Puts a configuration in force that another server sends; without one, names and addresses are read again. */
export async function applyCluster(
	context: Context,
	request: Pick<ConfigRequest, "package">,
	options: ModuleOptions,
): Promise<void> {
	const kept: ConfigResult = { warnings: [], key: "kept", locked: await isLocked(context.node.paths) };
	const done =
		request.package === undefined ? kept : await configureCluster(context.node.paths, { ...request, accept });
	await tellApplied(context, done, options);
}

/** This machine has to be one of its servers. */
function accept(cluster: Cluster): Promise<unknown> {
	return ownNode(cluster, process.env.SAFENODE);
}

async function tellApplied(context: Context, done: ConfigResult, options: ModuleOptions): Promise<void> {
	for (const problem of done.warnings) context.call.err(problemAsText(problem));
	const waiting = await reload(context);
	const node = await context.node.nodeName();
	if (options.json) {
		printJson(context.call, {
			node,
			key: done.key,
			locked: done.locked,
			warnings: done.warnings,
			stillRunning: waiting,
		});
		return;
	}
	context.call.out(`This server is ${node ?? "no node of this cluster"}. ${keyTexts[done.key]}\n`);
	if (waiting.length > 0)
		context.call.err(`Note: until stopped, these modules keep the previous configuration: ${waiting.join(", ")}.\n`);
}

/** Lets the daemon read the cluster anew; names of modules that run and so keep what they have. */
async function reload(context: Context): Promise<string[]> {
	await context.node.reloadCluster();
	context.node.commandLog.cluster("update cluster state");
	return running(context);
}

function running(context: Context): string[] {
	const modules = context.node.modules().filter((module) => module.view().main !== "STOP");
	return modules.map((module) => module.configuration.module);
}

function refuseRunning(context: Context): void {
	const names = running(context);
	if (names.length === 0) return;
	throw new SafekitError("CLI_CLUSTER_RUNNING", `Modules run on this server: ${names.join(", ")}.`);
}

async function confinfo(context: Context, options: ModuleOptions): Promise<void> {
	const { signature, date, locked } = await readClusterConfiguration(context.node.paths);
	const node = (await context.node.nodeName()) ?? "-";
	const day = date.toISOString().slice(0, 19);
	if (options.json) printJson(context.call, { nodes: [{ node, signature, date: day, lock: locked }] });
	else
		context.call.out(
			table([
				["Node", "Signature", "Date", "Lock"],
				[node, signature, day, locked ? "1" : "0"],
			]),
		);
}

async function state(context: Context, options: ModuleOptions): Promise<void> {
	const node = (await context.node.nodeName()) ?? "-";
	const rows = await Promise.all(
		context.node.modules().map(async ({ configuration: { module, mode, id } }) => {
			const { active } = await configurationInfo(context.node.paths, module);
			return { node, module, mode, id, date: active?.unixDate ?? null, signature: active?.signature ?? null };
		}),
	);
	if (options.json) {
		printJson(context.call, { modules: rows });
		return;
	}
	const lines = rows.map((row) => [
		row.node,
		row.module,
		row.mode,
		String(row.id),
		String(row.date ?? "-"),
		row.signature ?? "-",
	]);
	context.call.out(table([["Node", "Module", "Mode", "Id", "Date", "Signature"], ...lines]));
}
