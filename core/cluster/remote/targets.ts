/** Which servers `-H` means (spec/04 §7). Pure. */
import { isIP } from "node:net";
import { SafekitError } from "../../errors.ts";
import type { Cluster, Lan } from "../cluster.ts";
import { nodeNames } from "../self.ts";
import { limits } from "./limits.ts";

export interface Target {
	/** As its header prints it: `http://10.0.0.1:9010`. */
	server: string;
	host: string;
	port: number;
	/** Its name in cluster.xml, if it has one. */
	node: string | null;
}

/** A word that stands before servers: `[http]`, `[https:9453]`. */
const wayShape = /^\[(https?)(?::(\d{1,5}))?\]$/;
const urlShape = /^(https?):\/\/(\[[0-9A-Fa-f:.%]+\]|[^\s/:[\]]{1,253})(?::(\d{1,5}))?\/?$/;
const hostShape = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})$/;

/**
 * Everything travels inside TLS 1.3 with the cluster's key, whatever stands before `://`: the word is what scripts
 * have, and what headers print. `cluster` null: this server has none, servers have to be given by address.
 * @param port of the local web service, where nothing else is said.
 * @throws SafekitError REMOTE_SERVERS, and CLUSTER_NOT_CONFIGURED where names need a cluster.
 */
export function targetsOf(hosts: string, cluster: Cluster | null, port: number): Target[] {
	const words = hosts.split(",").map((word) => word.trim());
	const way = wayShape.exec(words[0] ?? "");
	if (way !== null) words.shift();
	const scheme = way?.[1] ?? "http";
	const usual = {
		cluster,
		scheme,
		port: way?.[2] === undefined ? port : portOf(way[2], hosts),
		mayBeForeign: way !== null,
	};
	const targets = words.flatMap((word) => {
		if (word === "*" && words.length === 1) return allOf(cluster, scheme, usual.port);
		return [targetOf(word, usual)];
	});
	const unique = [...new Map(targets.map((target) => [target.server, target])).values()];
	if (unique.length > limits.servers) throw wrong(`-H names ${unique.length} servers; ${limits.servers} are the most.`);
	return unique;
}

interface Usual {
	cluster: Cluster | null;
	scheme: string;
	port: number;
	/** Servers that cluster.xml does not name were meant. */
	mayBeForeign: boolean;
}

function targetOf(word: string, { cluster, scheme, port, mayBeForeign }: Usual): Target {
	const url = urlShape.exec(word);
	if (url !== null) {
		const host = (url[2] as string).replace(/^\[(.*)\]$/, "$1");
		return made(url[1] as string, host, url[3] === undefined ? port : portOf(url[3], word), nodeAt(cluster, host));
	}
	const known = cluster === null ? undefined : addressOf(cluster, word);
	if (known !== undefined) return made(scheme, known, port, word);
	const host = word.replace(/^\[(.*)\]$/, "$1");
	if (mayBeForeign && (isIP(host) !== 0 || hostShape.test(host)))
		return made(scheme, host, port, nodeAt(cluster, host));
	if (cluster === null) throw unconfigured();
	throw wrong(`'${word.slice(0, 100)}' is no node of cluster.xml, which has ${nodeNames(cluster).join(", ")}.`);
}

function allOf(cluster: Cluster | null, scheme: string, port: number): Target[] {
	if (cluster === null) throw unconfigured();
	return nodeNames(cluster).map((name) => made(scheme, addressOf(cluster, name) as string, port, name));
}

/** On the lan for commands: the one that is marked, else the first that has every node. */
function addressOf(cluster: Cluster, name: string): string | undefined {
	const count = nodeNames(cluster).length;
	const lan =
		cluster.lans.find(({ command }) => command) ?? (cluster.lans.find(({ nodes }) => nodes.length === count) as Lan);
	return lan.nodes.find((node) => node.name === name)?.addr;
}

function nodeAt(cluster: Cluster | null, host: string): string | null {
	const nodes = cluster?.lans.flatMap((lan) => lan.nodes) ?? [];
	return nodes.find(({ addr }) => addr.toLowerCase() === host.toLowerCase())?.name ?? null;
}

function made(scheme: string, host: string, port: number, node: string | null): Target {
	return { server: `${scheme}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`, host, port, node };
}

function portOf(text: string, word: string): number {
	const port = Number(text);
	if (port > 0 && port < 65_536) return port;
	throw wrong(`'${word.slice(0, 100)}' has the port ${text}; expected one up to 65535.`);
}

function wrong(message: string): SafekitError {
	return new SafekitError("REMOTE_SERVERS", message);
}

function unconfigured(): SafekitError {
	return new SafekitError("CLUSTER_NOT_CONFIGURED", "this server has no cluster configuration");
}
