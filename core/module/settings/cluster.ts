/** Whether a module's configuration and cluster.xml agree: a mirror's lans exist and have two nodes. */
import type { Cluster, Lan } from "../../cluster/cluster.ts";
import { descendants, textOf } from "../../schema/access.ts";
import { nearest } from "../../schema/suggest.ts";
import type { Userconfig } from "../../schema/userconfig.ts";
import type { ModuleConfiguration } from "../configuration.ts";

/** Adds what does not agree to the report of `read`; heartbeats that give addresses get the lan that has them. */
export function clusterProblems(configuration: ModuleConfiguration, cluster: Cluster, read: Userconfig): void {
	if (configuration.mode !== "mirror") return;
	for (const [index, element] of descendants(read.service, "heart", "heartbeat").entries()) {
		const heartbeat = configuration.heart?.heartbeats[index];
		if (heartbeat === undefined) continue;
		const peers = descendants(element, "server").map((server) => textOf(server, "addr"));
		const byAddress = cluster.lans.find(
			(each) => peers.length > 0 && peers.every((addr) => each.nodes.some((node) => node.addr === addr)),
		);
		if (byAddress !== undefined) heartbeat.lan = byAddress.name;
		const lan = cluster.lans.find((each) => each.name === heartbeat.lan);
		if (lan === undefined) {
			const names = cluster.lans.map((each) => each.name);
			const guess = nearest(heartbeat.lan, names);
			read.report.add("CONFIG_CLUSTER", `cluster.xml has no lan ${heartbeat.lan}`, element.xml, {
				attribute: "name",
				found: heartbeat.lan,
				expected: names.join(", "),
				...(guess === undefined ? {} : { remedy: `Did you mean \`${guess}\`?` }),
			});
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
	checkDefaultPrim(configuration, cluster.lans, read);
}

/** `<flow name>` names a lan of its own (legacy); the heartbeats' lans were checked already. */
function checkReplicationLan(configuration: ModuleConfiguration, cluster: Cluster, read: Userconfig): void {
	const flow = descendants(read.service, "rfs", "flow")[0];
	const lan = flow === undefined ? null : textOf(flow, "name");
	if (flow === undefined || lan === null || configuration.rfs?.lan !== lan) return;
	if (cluster.lans.some((each) => each.name === lan)) return;
	const expected = cluster.lans.map((each) => each.name).join(", ");
	read.report.add("CONFIG_CLUSTER", `cluster.xml has no lan ${lan}`, flow.xml, {
		attribute: "name",
		found: lan,
		expected,
	});
}

function checkDefaultPrim(configuration: ModuleConfiguration, lans: readonly Lan[], read: Userconfig): void {
	const { defaultprim } = configuration;
	const nodes = [...new Set(lans.flatMap((lan) => lan.nodes.map((node) => node.name)))];
	if (["alone", "lastprim", ...nodes].includes(defaultprim)) return;
	const expected = ["alone", "lastprim", ...nodes].join(", ");
	read.report.add("CONFIG_CLUSTER", `cluster.xml has no node ${defaultprim}`, read.service.xml, {
		attribute: "defaultprim",
		found: defaultprim,
		expected,
	});
}
