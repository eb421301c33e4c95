/** What the servers know about a trial that failed: the module's log, and what its last scripts printed. */
import { asSafekitError, SafekitError } from "../../core/errors.ts";
import type { LabNode } from "../lab/node.ts";
import type { Pair } from "../lab/pair.ts";

const logLines = 12;
const scriptLines = 15;

export async function whatHappened(error: unknown, pair: Pair): Promise<SafekitError> {
	const known = asSafekitError(error);
	if (known.code !== "LAB_FAILED") return known;
	const parts: string[] = [];
	for (const node of pair.nodes.filter(({ isOn }) => isOn)) parts.push(...(await ofNode(node, pair)));
	const message = [known.message, ...parts].join("\n");
	return new SafekitError("TRY_FAILED", message, { cause: error });
}

async function ofNode(node: LabNode, { module }: Pair): Promise<string[]> {
	const indent = (text: string): string => text.replaceAll(/^/gm, "  ");
	const log = await node.attempt(`/opt/safekit/safekit log -m ${module} -s ${logLines}`).catch(() => null);
	const folder = `/var/safekit/modules/${module}`;
	// Stop scripts follow one that failed; what they say is no news.
	const last = await node
		.attempt(
			`cd ${folder} && f=$({ ls -t userlog_*_start_*; ls -t userlog_*; } 2>/dev/null | head -1) && [ -n "$f" ] && echo "$f" && tail -n ${scriptLines} "$f"`,
		)
		.catch(() => null);
	return [
		...(log?.stdout ? [`The log of ${module} on ${node.name}:`, indent(log.stdout.trimEnd())] : []),
		...(last?.stdout ? [`What its scripts said on ${node.name}:`, indent(last.stdout.trimEnd())] : []),
	];
}
