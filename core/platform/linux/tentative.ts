/** Interfaces whose own IPv6 address the kernel still looks at for duplicates. */
import { readFileSync } from "node:fs";

const file = "/proc/net/if_inet6";
const [linkScope, tentative, duplicate] = [0x20, 0x40, 0x08];

/** For a second or two after a cable is plugged in: meanwhile the machine cannot ask where an IPv6 neighbour is. */
export function tentativeInterfaces(): Set<string> {
	try {
		const lines = readFileSync(file, "utf8").split("\n");
		const fields = lines.map((line) => line.trim().split(/\s+/));
		return new Set(
			fields.flatMap(([, , , scope = "", flags = "", name = ""]) => (isLookedAt(scope, flags) ? name : [])),
		);
	} catch {
		// A machine without IPv6.
		return new Set();
	}
}

/** One that was found to be a duplicate stays tentative for ever. */
function isLookedAt(scope: string, flags: string): boolean {
	const bits = Number.parseInt(flags, 16);
	return Number.parseInt(scope, 16) === linkScope && (bits & tentative) !== 0 && (bits & duplicate) === 0;
}
