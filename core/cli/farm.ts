/** `safekit farm …`: who answers which clients of a farm, and the traffic that scripts control (spec/02 §5). */
import { isIP } from "node:net";
import type { Command } from "commander";
import { buckets, type FarmShare, loadOf } from "../engine/farm/group.ts";
import { percentOf } from "../engine/farm/percent.ts";
import { SafekitError } from "../errors.ts";
import type { BalancingRule, VipConfiguration } from "../module/configuration.ts";
import { spelled } from "../schema/ipv6.ts";
import { type Asked, type Explanation, explain, hashedOf, reachable, sharesOfAll } from "../vip/farm/explain.ts";
import { printJson, table } from "./call.ts";
import type { FarmControl, ModuleControl } from "./control.ts";
import { type Context, findModule, type ModuleOptions, moduleCommand, needsWord, wholeNumber } from "./groups.ts";

interface ExplainOptions extends ModuleOptions {
	to?: string;
	udp?: boolean;
	clientPort?: string;
}

export function farm(program: Command, context: Context): void {
	const group = program.command("farm").description("clients of a farm: explain, buckets, traffic");
	needsWord(group);
	moduleCommand(group, "explain <client> [port]", "which server answers a client, and why", [
		"farm explain 192.168.1.50 80 -m web",
		"farm explain fd00::50 -m web --json",
		"farm explain 192.168.1.50 53 -m dns --udp",
		"farm explain 192.168.1.50 443 -m web --client-port 50123",
	])
		.option("--to <address>", "one virtual address (default: all that the client can reach)")
		.option("--udp", "UDP instead of TCP")
		.option("--client-port <port>", "the client's own port, for rules with filter on_port")
		.action((client: string, port: string | undefined, options: ExplainOptions) =>
			tell(context, client, port, options),
		);
	moduleCommand(group, "buckets", "who answers which of the 256 buckets of each rule, of all farms or of one", [
		"farm buckets",
		"farm buckets -m web --json",
	]).action((options: ModuleOptions) => list(context, options));
	moduleCommand(
		group,
		"traffic <open|closed>",
		'let clients in or keep them out, in a module with scriptcontrol="on"',
		["farm traffic open -m web", "farm traffic closed -m web"],
	)
		.option("--dry-run", "say what would be done, change nothing")
		.action((word: string, options: ModuleOptions) => traffic(context, word, options));
}

interface Farm {
	module: ModuleControl;
	farm: FarmControl;
	vip: VipConfiguration;
}

function chosen(context: Context, options: ModuleOptions): Farm {
	return farmOf(findModule(context, options));
}

function farmOf(module: ModuleControl): Farm {
	const { configuration, farm } = module;
	if (farm === null || configuration.vip === null) {
		const why = farm === null ? `is of mode ${configuration.mode}` : "has no <vip>";
		throw new SafekitError("FARM_MODE", `Module '${configuration.module}' ${why}: no clients are shared out.`);
	}
	return { module, farm, vip: configuration.vip };
}

/** What holds now, or without this server in the group what would hold if all took part. */
function sharesOf({ view, module }: FarmControl): readonly FarmShare[] {
	return view?.groups ?? sharesOfAll(module);
}

function tell(context: Context, client: string, port: string | undefined, options: ExplainOptions): void {
	const { module, farm, vip } = chosen(context, options);
	if (isIP(client) === 0) throw new SafekitError("FARM_ADDRESS", `'${client}' is no IP address.`);
	const number = (name: string, text: string | undefined) =>
		text === undefined ? null : wholeNumber(name, text, 1, 65_535);
	const asked: Asked = {
		client: spelled(client),
		proto: options.udp ? "udp" : "tcp",
		port: number("the port", port),
		clientPort: number("--client-port", options.clientPort),
		to: options.to === undefined ? null : spelled(options.to),
	};
	const found = explain(vip, sharesOf(farm), asked);
	const takesPart = farm.view !== null;
	if (options.json) {
		const answers = found.map(({ rule, ...one }) => ({ ...one, ...rule }));
		const { members = [], settled = false } = farm.view ?? {};
		printJson(context.call, {
			module: module.configuration.module,
			takesPart,
			members,
			settled,
			asked,
			answers,
		});
		return;
	}
	context.call.out(found.length === 0 ? denied(asked, vip) : found.map((one) => sentence(one, asked)).join(""));
	if (!takesPart) {
		context.call.out(
			"This server takes no part in the group now: this is what holds if all servers of the farm run.\n",
		);
	} else {
		const state = farm.view?.settled ? "settled" : "not settled: buckets are on their way";
		context.call.out(`Servers in the group: ${farm.view?.members.join(", ")} (${state})\n`);
	}
}

function denied(asked: Asked, vip: VipConfiguration): string {
	const { client, proto, port } = asked;
	if (reachable(vip, asked).length === 0) return `${client} can reach no virtual address of the module.\n`;
	const what = port === null ? proto : `${proto} port ${port}`;
	return `${client} is answered by nobody: no rule of <loadbalancing_list> names ${what}.\n`;
}

function sentence(one: Explanation, { client, port }: Asked): string {
	const target = port === null ? one.addr : `${one.addr} port ${port}`;
	const by = `rule ${one.group}_${one.index} (${ruleText(one.rule)})`;
	if (one.bucket === null) {
		const why =
			hashedOf(one.rule, client) === "on_port"
				? "shares clients out by their own port: say which with --client-port"
				: "shares out every packet by itself";
		return `${client} → ${target}: any server answers\n  ${by} ${why}\n`;
	}
	const owner = one.free ? "nobody at this moment" : one.owner;
	const state = one.free ? "no server has it now, or it is on its way to another one" : `${one.owner} answers it`;
	return `${client} → ${target}: ${owner}\n  ${by} puts it into bucket ${one.bucket} of 0 to ${buckets - 1}; ${state}\n`;
}

function ruleText({ proto, port, filter, virtualAddr }: BalancingRule): string {
	const where = virtualAddr === null ? "" : `${virtualAddr}, `;
	return `${where}${proto}, ${port === null ? "every port" : `port ${port}`}, ${filter}`;
}

/** The node's buckets as hex, bucket 0 in the highest bit of the first digit. */
function bitmap(owners: FarmShare["owners"], node: string): string {
	const bits = owners.map((owner) => (owner === node ? "1" : "0")).join("");
	return bits.replace(/[01]{4}/g, (four) => Number.parseInt(four, 2).toString(16));
}

function list(context: Context, options: ModuleOptions): void {
	const named = options.module ?? context.call.module;
	const all = context.node.modules().filter(({ farm, configuration }) => farm !== null && configuration.vip !== null);
	const farms = named === undefined ? all.map(farmOf) : [chosen(context, options)];
	if (options.json) printJson(context.call, { modules: farms.map(asJson) });
	else if (farms.length === 0) context.call.out("No module of this server shares clients out.\n");
	else context.call.out(farms.map(asText).join("\n"));
}

function asJson({ module, farm, vip }: Farm) {
	const { view } = farm;
	const groups = vip.balancing.map(({ name, rules }) => {
		const share = view?.groups.find((each) => each.name === name);
		const owners = share?.owners ?? [];
		const nodes = farm.module.nodes.map((node) => ({
			node,
			load: share === undefined ? 0 : loadOf(share, node),
			buckets: bitmap(owners, node),
		}));
		return { name, rules, nodes, free: owners.filter((owner) => owner === null).length };
	});
	const { members = [], settled = false } = view ?? {};
	return {
		module: module.configuration.module,
		node: farm.module.node,
		takesPart: view !== null,
		members,
		settled,
		groups,
	};
}

function asText(one: Farm): string {
	const { module, takesPart, members, settled, groups } = asJson(one);
	if (!takesPart) return `Module ${module} takes no part in its group: ${one.module.view().why}\n`;
	const parts = groups.map((group) => {
		const rules = group.rules.map((rule, n) => `${module} ${group.name}_${n}: ${ruleText(rule)}`);
		const rows = group.nodes.map(({ node, load, buckets: bits }) => [
			`  ${node}`,
			`${load}/${buckets}`,
			`${percentOf(load)}%`,
			bits,
		]);
		const free = group.free === 0 ? "" : `  ${group.free} buckets are nobody's at this moment\n`;
		return `${rules.join("\n")}\n${table(rows)}${free}`;
	});
	return `${parts.join("")}Servers in the group of ${module}: ${members.join(", ")}${settled ? "" : " (not settled)"}\n`;
}

async function traffic(context: Context, word: string, options: ModuleOptions): Promise<void> {
	if (word !== "open" && word !== "closed") {
		throw new SafekitError("USAGE", `'${word}' means nothing after farm traffic; expected open|closed.`);
	}
	const { module, farm } = chosen(context, options);
	const { module: name } = module.configuration;
	if (options.dryRun)
		return context.call.out(`would ${word === "open" ? "let clients of" : "keep clients from"} ${name}\n`);
	await farm.script(word === "open");
	if (options.json) printJson(context.call, { module: name, traffic: word });
}
