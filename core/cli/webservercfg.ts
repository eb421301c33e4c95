/** `safekit webservercfg` (spec/04 §1, spec/09 §9): of the web service's access only what the product has. */
import type { Command } from "commander";
import { webSettings } from "../api/settings.ts";
import { endConsent, giveConsent } from "../cluster/consent.ts";
import { readKeyFile } from "../cluster/key.ts";
import { SafekitError } from "../errors.ts";
import { formatUs } from "../log/clock.ts";
import { printJson } from "./call.ts";
import type { Context } from "./groups.ts";

const help = `
-unsecure   for an hour, this server takes its first cluster configuration from the network, or gives it to a server
            that has none: \`safekit -H "*" -G\` reaches such a server when both of them allow it
-secure     ends that

Examples:
  safekit webservercfg -unsecure
`;

export function webservercfg(program: Command, context: Context): void {
	program
		.command("webservercfg [words...]")
		.description("allow a first configuration over the network: -unsecure, -secure")
		.allowUnknownOption()
		.addHelpText("after", help)
		.action((words: string[]) => run(context, words));
}

async function run(context: Context, given: string[]): Promise<void> {
	const words = given.filter((word) => word !== "--json");
	const json = words.length < given.length;
	const [word] = words;
	if (words.some((each) => /^-(rcmd)?(passwd|user)$/.test(each))) {
		throw new SafekitError("CLI_LATER", "There is no web console yet, and no password for it.", {
			remedy:
				"Servers give each other commands with the cluster's key: `safekit cluster package` brings it to the next one.",
		});
	}
	if (words.length !== 1 || (word !== "-unsecure" && word !== "-secure")) {
		throw new SafekitError(
			"USAGE",
			`'${words.join(" ")}' means nothing after webservercfg; expected -unsecure or -secure.`,
		);
	}
	const { paths } = context.node;
	if (word === "-secure") {
		await endConsent(paths);
		if (json) printJson(context.call, { until: null });
		else context.call.out("No first configuration is taken from the network, or given to it\n");
		return;
	}
	const until = await giveConsent(paths);
	const isNode = (await readKeyFile(paths.clusterKey).catch(() => "damaged")) !== null;
	const { port } = webSettings(paths.safe);
	if (json) return printJson(context.call, { until: new Date(until).toISOString() });
	const time = formatUs(until * 1000).slice(0, 19);
	context.call.out(
		isNode
			? `Until ${time}, \`safekit -H … -G\` also gives configuration and key to servers that have none\n`
			: `Until ${time}, the first one who reaches TCP port ${port} of this server can take it into a cluster, and is then root here. \`safekit webservercfg -secure\` ends that\n`,
	);
}
