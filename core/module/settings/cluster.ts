/** Whether a module's configuration and cluster.xml agree: the lans exist, and those of a mirror have two nodes. */
import type { Cluster, Lan } from "../../cluster/cluster.ts";
import { nodeNames } from "../../cluster/self.ts";
import { descendants, textOf } from "../../schema/access.ts";
import { nearest } from "../../schema/suggest.ts";
import type { Userconfig } from "../../schema/userconfig.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import type { ModuleConfiguration } from "../configuration.ts";

/** Adds what does not agree to the report of `read`; what gives addresses gets the lan that has them. */
export function clusterProblems(configuration: ModuleConfiguration, cluster: Cluster, read: Userconfig): void {
	if (configuration.mode === "mirror") checkMirror(configuration, cluster, read);
	if (configuration.mode === "farm") checkFarm(configuration, cluster, read);
}

function checkMirror(configuration: ModuleConfiguration, cluster: Cluster, read: Userconfig): void {
	for (const [index, element] of descendants(read.service, "heart", "heartbeat").entries()) {
		const heartbeat = configuration.heart?.heartbeats[index];
		if (heartbeat === undefined) continue;
		heartbeat.lan = lanByAddresses(element, "server", cluster) ?? heartbeat.lan;
		const lan = cluster.lans.find((each) => each.name === heartbeat.lan);
		if (lan === undefined) {
			reportUnknown("lan", heartbeat.lan, element, namesOf(cluster.lans), read);
		} else if (lan.nodes.length !== 2) {
			const message = `the lan ${lan.name} has ${lan.nodes.length} node${lan.nodes.length === 1 ? "" : "s"}, a mirror needs 2`;
			read.report.add("CONFIG_CLUSTER", message, element.xml, {
				attribute: "name",
				found: lan.name,
				expected: "a lan with two nodes",
			});
		}
	}
	checkReplicationLan(configuration, cluster, read);
	checkDefaultPrim(configuration, nodeNames(cluster), read);
}

/** `<flow name>` names a lan of its own (legacy); the heartbeats' lans were checked already. */
function checkReplicationLan(configuration: ModuleConfiguration, cluster: Cluster, read: Userconfig): void {
	const flow = descendants(read.service, "rfs", "flow")[0];
	const lan = flow === undefined ? null : textOf(flow, "name");
	if (flow === undefined || lan === null || configuration.rfs?.lan !== lan) return;
	if (!namesOf(cluster.lans).includes(lan)) reportUnknown("lan", lan, flow, namesOf(cluster.lans), read);
}

/** The lan that has all addresses of the children `of`, which described it before 7.2. */
function lanByAddresses(element: CheckedElement, of: string, { lans }: Cluster): string | undefined {
	const addresses = descendants(element, of).map((each) => textOf(each, "addr"));
	const isOn = (lan: Lan) => addresses.every((addr) => lan.nodes.some((node) => node.addr === addr));
	return addresses.length === 0 ? undefined : lans.find(isOn)?.name;
}

/** A farm's lans, and the nodes to which it gives weights. */
function checkFarm({ farm }: ModuleConfiguration, cluster: Cluster, read: Userconfig): void {
	for (const [index, element] of descendants(read.service, "farm", "lan").entries()) {
		const name = lanByAddresses(element, "node", cluster) ?? farm?.lans[index];
		if (farm === null || name === undefined) continue;
		farm.lans[index] = name;
		if (!namesOf(cluster.lans).includes(name)) reportUnknown("lan", name, element, namesOf(cluster.lans), read);
	}
	const nodes = nodeNames(cluster);
	for (const element of descendants(read.service, "vip", "loadbalancing_list", "group", "cluster", "host")) {
		const name = textOf(element, "name");
		if (name !== null && !nodes.includes(name)) reportUnknown("node", name, element, nodes, read);
	}
}

const namesOf = (lans: readonly Lan[]): string[] => lans.map((each) => each.name);

/** The attribute `name` of `element` names nothing of cluster.xml. */
function reportUnknown(
	what: "lan" | "node",
	name: string,
	element: CheckedElement,
	known: readonly string[],
	read: Userconfig,
): void {
	const guess = nearest(name, known);
	read.report.add("CONFIG_CLUSTER", `cluster.xml has no ${what} ${name}`, element.xml, {
		attribute: "name",
		found: name,
		expected: known.join(", "),
		...(guess === undefined ? {} : { remedy: `Did you mean \`${guess}\`?` }),
	});
}

function checkDefaultPrim(configuration: ModuleConfiguration, nodes: readonly string[], read: Userconfig): void {
	const { defaultprim } = configuration;
	if (["alone", "lastprim", ...nodes].includes(defaultprim)) return;
	const expected = ["alone", "lastprim", ...nodes].join(", ");
	read.report.add("CONFIG_CLUSTER", `cluster.xml has no node ${defaultprim}`, read.service.xml, {
		attribute: "defaultprim",
		found: defaultprim,
		expected,
	});
}
