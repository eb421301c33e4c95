/** What a server has that a product could leave behind. */
import type { LabNode } from "../../../sdk/lab/node.ts";

const folders = "/etc /opt /var /run /tmp /dev /root /home /srv /usr/local";
/** The server's own: the project, its terminal devices, and the replicated directory, which stays with its data. */
const own = "/opt/opensafe|/dev/pts|/run/lab-|/data";

/** Lines that two servers alike have alike: mounts, addresses, rules, sockets, processes, files. */
export async function trace(node: LabNode): Promise<string[]> {
	const parts: Record<string, string> = {
		mount: "awk '{print $2, $3}' /proc/mounts",
		address: "ip -o addr | awk '{print $2, $3}'; ip rule; ip neigh show proxy",
		link: "ip -o link | awk '{print $2}'",
		nft: "nft list ruleset",
		socket: "ss -Hlxtu | awk '{print $1, $5}'",
		process: "ps -eo args= --ppid 2 -N | grep -vE '^(ps|grep|bash --norc|awk|init) '",
		file: `find ${folders} 2> /dev/null | grep -vE '^(${own})'`,
	};
	const lines: string[] = [];
	for (const [name, command] of Object.entries(parts)) {
		const { stdout } = await node.attempt(command);
		lines.push(...stdout.split("\n").map((line) => `${name} ${line.trim()}`));
	}
	return lines.sort();
}

/** Lines of `now` that `before` has not. */
export function added(before: string[], now: string[]): string[] {
	const known = new Set(before);
	return now.filter((line) => !known.has(line));
}
