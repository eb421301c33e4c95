/** What a server has that a product could leave behind. */
import { existsSync } from "node:fs";
import type { LabNode } from "../../../sdk/lab/node.ts";

/** Where this machine's own root shines through: what is there too is the machine's. */
const ofTheMachine = /^file \/(etc|opt|var|usr|srv)\//;
const folders = "/etc /opt /var /usr/local /srv /run /tmp /dev";
/** The project, other labs, and what belongs to the lab. */
const pruned = "-path /opt/opensafe -o -path /var/tmp -o -path /dev/pts -o -path '/run/lab-*'";

/** Lines that two servers alike have alike: mounts, addresses, links, rules, sockets, processes, files. */
export async function trace(node: LabNode): Promise<string[]> {
	const parts: Record<string, string> = {
		mount: "awk '{print $2, $3}' /proc/mounts",
		address: "ip -o addr | awk '{print $2, $3}'; ip rule",
		link: "ip -o link | awk '{sub(/@.*/, \"\", $2); print $2}'",
		nft: "nft list ruleset",
		socket: "ss -Hlxtu | awk '{print $1, $5}'",
		process: "ps -eo args= | grep -vE '^(ps|grep|bash --norc|awk|init)( |$)'",
		file: `find ${folders} \\( ${pruned} \\) -prune -o -print 2> /dev/null`,
	};
	let lines: string[] = [];
	for (const [name, command] of Object.entries(parts)) {
		const { stdout } = await node.attempt(command);
		lines = lines.concat(stdout.split("\n").map((line) => `${name} ${line.trim()}`));
	}
	return lines.sort();
}

/** Lines of `now` that `before` has not, or not as often. */
export function added(before: string[], now: string[]): string[] {
	const known = new Map<string, number>();
	for (const line of before) known.set(line, (known.get(line) ?? 0) + 1);
	return now.filter((line) => {
		const count = known.get(line) ?? 0;
		known.set(line, count - 1);
		return count <= 0 && !(ofTheMachine.test(line) && existsSync(line.slice("file ".length)));
	});
}
