/** Reads cluster.xml and checks it; everything that is wrong comes back at once, with its places. */
import { type Problem, SafekitError } from "../errors.ts";
import { descendants, isOn, numberOf, textOf } from "../schema/access.ts";
import { Macros } from "../schema/macros.ts";
import { Report } from "../schema/report.ts";
import { type CheckedElement, checkElementTree } from "../schema/validate.ts";
import { readXml } from "../schema/xml/document.ts";
import type { Cluster, Lan, LanNode } from "./cluster.ts";
import { clusterElement } from "./elements.ts";

export interface ReadCluster {
	cluster: Cluster;
	warnings: Problem[];
}

/** Throws CONFIG_INVALID with all problems. `file` is the name in messages. */
export function readCluster(bytes: Uint8Array, file: string): ReadCluster {
	const xml = readXml(bytes, file);
	if ("code" in xml) throw invalid(file, [xml]);
	const report = new Report(file, xml.lines);
	const { root } = xml;
	if (root.name !== clusterElement.name || xml.before.length > 0) {
		const found = xml.before[0]?.name ?? root.name;
		const message = `<${found}> stands where <cluster> is expected`;
		report.add("CONFIG_UNKNOWN_ELEMENT", message, xml.before[0] ?? root, { found, expected: clusterElement.name });
		throw invalid(file, report.problems);
	}
	const run = { report, macros: new Macros({}), purpose: "config" as const, later: new Set<string>() };
	const checked = checkElementTree(root, clusterElement, run);
	const lans = descendants(checked, "lans", "lan");
	checkRepetitions(lans, report);
	checkCommandLans(lans, report);
	checkCoverage(checked, lans, report);
	if (report.problems.some((problem) => problem.severity === "error")) throw invalid(file, report.problems);
	return { cluster: clusterOf(checked), warnings: report.problems };
}

function invalid(file: string, problems: Problem[]): SafekitError {
	const first = problems.find((problem) => problem.severity === "error");
	const message = `${file} is no valid cluster configuration${first === undefined ? "" : `: ${first.message}`}`;
	return new SafekitError("CONFIG_INVALID", message, { place: { file }, problems });
}

function nodesOf(lan: CheckedElement): CheckedElement[] {
	return descendants(lan, "node");
}

function nameOf(element: CheckedElement): string {
	return textOf(element, "name") ?? "";
}

/** A lan's name stands once, a node once in a lan, and no two nodes share an address on one lan. */
function checkRepetitions(lans: CheckedElement[], report: Report): void {
	refuseRepeated(lans, nameOf, (lan) => repeated(report, lan, "name", `the lan ${nameOf(lan)}`));
	for (const lan of lans) {
		const nodes = nodesOf(lan);
		const here = `in the lan ${nameOf(lan)}`;
		refuseRepeated(nodes, nameOf, (node) => repeated(report, node, "name", `the node ${nameOf(node)}`, here));
		for (const attribute of ["addr", "laddr"]) {
			refuseRepeated(
				nodes,
				(node) => (textOf(node, attribute) ?? "").toLowerCase(),
				(node) => repeated(report, node, attribute, `the address ${textOf(node, attribute)}`, here),
			);
		}
	}
	checkOwners(lans, report);
}

function refuseRepeated(
	elements: CheckedElement[],
	key: (element: CheckedElement) => string,
	refuse: (element: CheckedElement) => void,
): void {
	const seen = new Set<string>();
	for (const element of elements) {
		const value = key(element);
		if (value === "") continue;
		if (seen.has(value)) refuse(element);
		seen.add(value);
	}
}

function repeated(report: Report, element: CheckedElement, attribute: string, what: string, where = ""): void {
	const found = textOf(element, attribute) ?? "";
	const message = `${what} stands twice${where === "" ? "" : ` ${where}`}`;
	report.add("CONFIG_REPEATED", message, element.xml, { attribute, found, remedy: "Give each its own." });
}

/** An address belongs to one node on all lans. */
function checkOwners(lans: CheckedElement[], report: Report): void {
	const owners = new Map<string, string>();
	for (const node of lans.flatMap(nodesOf)) {
		const addr = textOf(node, "addr");
		if (addr === null) continue;
		const owner = owners.get(addr.toLowerCase());
		if (owner !== undefined && owner !== nameOf(node)) {
			const message = `the address ${addr} already belongs to the node ${owner}`;
			report.add("CONFIG_REPEATED", message, node.xml, {
				attribute: "addr",
				found: addr,
				remedy: "Give each its own.",
			});
		}
		owners.set(addr.toLowerCase(), owner ?? nameOf(node));
	}
}

function allNames(lans: CheckedElement[]): string[] {
	return [...new Set(lans.flatMap(nodesOf).map(nameOf))].filter((name) => name !== "");
}

function missingIn(lan: CheckedElement, all: string[]): string[] {
	const present = nodesOf(lan).map(nameOf);
	return all.filter((name) => !present.includes(name));
}

/** At most one lan carries distributed commands, and it reaches every node. */
function checkCommandLans(lans: CheckedElement[], report: Report): void {
	const command = lans.filter((lan) => isOn(lan, "command"));
	for (const lan of command.slice(1)) {
		const message = 'command="on" stands on more than one lan';
		report.add("CONFIG_VALUE", message, lan.xml, { attribute: "command", found: "on", expected: "off" });
	}
	const missing = command[0] === undefined ? [] : missingIn(command[0], allNames(lans));
	if (command[0] === undefined || missing.length === 0) return;
	const message = `the lan with command="on" does not reach ${missing.join(", ")}`;
	const details = { attribute: "command", found: "on", expected: "a lan with every node" };
	report.add("CONFIG_VALUE", message, command[0].xml, details);
}

function checkCoverage(cluster: CheckedElement, lans: CheckedElement[], report: Report): void {
	const all = allNames(lans);
	if (lans.length === 0 || lans.some((lan) => missingIn(lan, all).length === 0)) return;
	const place = descendants(cluster, "lans")[0] ?? cluster;
	report.add("CONFIG_MISSING", "no lan has every node", place.xml, {
		expected: `one lan with ${all.join(", ")}`,
		remedy: "Complete one of the lans.",
	});
}

function clusterOf(checked: CheckedElement): Cluster {
	const lans = descendants(checked, "lans")[0] as CheckedElement;
	return {
		port: numberOf(lans, "port") as number,
		pulseMs: numberOf(lans, "pulse") as number,
		lans: descendants(lans, "lan").map(
			(lan): Lan => ({
				name: nameOf(lan),
				command: isOn(lan, "command"),
				nodes: nodesOf(lan).map((node): LanNode => {
					const laddr = textOf(node, "laddr");
					return { name: nameOf(node), addr: textOf(node, "addr") as string, ...(laddr === null ? {} : { laddr }) };
				}),
			}),
		),
	};
}
