/** What other servers send with `-H … -G` and `-H … -E AM`: commands of the product among itself. */
import type { Command } from "commander";
import { consentUntil, endConsent } from "../cluster/consent.ts";
import { readKeyFile } from "../cluster/key.ts";
import { SafekitError } from "../errors.ts";
import { receiveModule } from "../module/receive.ts";
import type { RemoteCaller } from "./call.ts";
import { applyCluster } from "./cluster.ts";
import { apply, refuseIf, tellApplied } from "./configure.ts";
import { type Context, type ModuleOptions, moduleName, wholeNumber } from "./groups.ts";
import { pluginsOnce } from "./schema.ts";

interface TakeOptions extends ModuleOptions {
	id: string;
	yes?: boolean;
}

export function take(program: Command, context: Context): void {
	program
		.command("take-cluster", { hidden: true })
		.option("--json")
		.action((options: ModuleOptions) => takeCluster(context, options));
	program
		.command("take-module", { hidden: true })
		.requiredOption("-m, --module <name>")
		.requiredOption("--id <id>")
		.option("--yes")
		.option("--json")
		.action((options: TakeOptions) => takeModule(context, options));
}

/** Without anything that came along (on the server that sends): names are resolved again. */
async function takeCluster(context: Context, options: ModuleOptions): Promise<void> {
	const { remote } = context.call;
	if (remote === undefined) return applyCluster(context, {}, options);
	if (remote.invitation !== null) await refuseUninvited(context, remote.invitation, remote.address);
	await applyCluster(context, { package: { bytes: remote.body, from: `what ${remote.address} sent` } }, options);
	await endConsent(context.node.paths);
}

/** Whoever sends a first configuration has proven nothing: that is noted, and refused once there is a key. */
async function refuseUninvited(context: Context, check: string, address: string): Promise<void> {
	const { paths, commandLog } = context.node;
	const key = await readKeyFile(paths.clusterKey).catch(() => "damaged");
	if (key !== null || (await consentUntil(paths)) === null) {
		throw new SafekitError("REMOTE_REFUSED", "This server does not wait for a first configuration.");
	}
	commandLog.cluster(`first configuration from ${address}, check code ${check}`);
}

async function takeModule(context: Context, options: TakeOptions): Promise<void> {
	const { body, address } = cameAlong(context);
	const name = moduleName(context, options);
	const id = wholeNumber("--id", options.id, 1, 255);
	refuseIf(context, name, (module) => module.configuration.id !== id, `get the number ${id}`);
	const plugins = (await pluginsOnce()).loaded.map((plugin) => plugin.name);
	const received = { name, id, bytes: body, from: `the module of ${address}`, plugins, yes: options.yes === true };
	const done = await apply(context, name, (how) => receiveModule(context.node.paths, received, how));
	tellApplied(context, name, done, options);
}

function cameAlong(context: Context): RemoteCaller {
	const { remote } = context.call;
	if (remote !== undefined) return remote;
	throw new SafekitError(
		"USAGE",
		"This command is for the servers among themselves; `safekit -H SERVERS -E MODULE` gives it.",
	);
}
