/** What a package asks for, in the words that a person decides by. Pure. */
import type { Permissions } from "../../sandbox/permissions.ts";

/** What is run of the package, by names of files in bin/. */
export interface Runs {
	/** Restart scripts, handlers and checkers that are programs. */
	asRoot: readonly string[];
	/** TypeScript checkers. */
	inSandbox: readonly string[];
}

/** One line for each thing. */
export function asksAsText(permissions: Permissions, runs: Runs): string[] {
	const lines = permissionsAsText(permissions);
	if (runs.inSandbox.length > 0) {
		const reach = lines.length === 0 ? "; they may neither connect, run nor read anything" : "";
		lines.push(`runs in the sandbox: checkers ${runs.inSandbox.join(", ")}${reach}`);
	}
	if (runs.asRoot.length > 0) lines.push(`runs as root: scripts ${runs.asRoot.join(", ")}`);
	return lines;
}

/** `may connect to 10.0.0.1:443`, `may run psql`, `may read all below /etc/app/`. */
export function permissionsAsText({ net, exec, read }: Permissions): string[] {
	return [
		...net.map((place) => `may connect to ${netAsText(place)}`),
		...exec.map((program) => `may run ${program}${program.startsWith("/") ? "" : " of its own bin/"}`),
		...read.map((path) => `may read ${path.endsWith("/") ? "all below " : ""}${path}`),
	];
}

function netAsText(place: string): string {
	const hasPort = /:\d+$/.test(place);
	const any = place.startsWith("*.") ? "every host below " : place.includes("/") ? "every host in " : "";
	return `${any}${any === "" ? place : place.replace(/^\*\./, "")}${hasPort ? "" : ", any port"}`;
}

/** What `now` asks for and `before` does not. Entry by entry: a narrower one that was not there before counts too. */
export function asksForMore(now: Permissions, before: Permissions): Permissions {
	const added = (kind: keyof Permissions) => now[kind].filter((entry) => !before[kind].includes(entry));
	return { net: added("net"), exec: added("exec"), read: added("read") };
}
