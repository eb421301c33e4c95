/** Two boxes with a cable between their eth0, and what is run inside them. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import { Box } from "../../sdk/lab/box.ts";
import { hasProgram } from "../../sdk/lab/prerequisites.ts";

const run = promisify(execFile);
const inside = join(import.meta.dirname, "inside.ts");

const missing = ["ip", "ss", "unshare", "nsenter", "setpriv", "bash"].filter((program) => !hasProgram(program));
const reason = process.getuid?.() === 0 ? missing.join(", ") : "root";

/** A test that needs boxes; skipped with the reason where none can be made. */
export function boxTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
	if (reason === "") test.serial(title, body);
	else test.serial.skip(`${title} (skipped: ${reason} is missing)`, (t) => t.pass());
}

export interface Two {
	a: Box;
	b: Box;
	/** MAC addresses of both ends. */
	macs: [string, string];
}

/** a is 10.9.0.1/24 and fd09::1/64, b is .2. */
export async function two(t: ExecutionContext): Promise<Two> {
	const boxes = await Promise.all(
		["a", "b"].map((name) => Box.start(name, "ip link set lo up; echo ready; read -r end", {})),
	);
	t.teardown(() => Promise.all(boxes.map((box) => box.kill())));
	const [a, b] = boxes as [Box, Box];
	const [pidA, pidB] = [String(a.pid), String(b.pid)];
	await run("ip", ["link", "add", "eth0", "netns", pidA, "type", "veth", "peer", "name", "eth0", "netns", pidB]);
	for (const [index, box] of boxes.entries()) {
		await box.network("ip", ["addr", "add", `10.9.0.${index + 1}/24`, "dev", "eth0"]);
		await box.network("ip", ["addr", "add", `fd09::${index + 1}/64`, "dev", "eth0", "nodad"]);
		await box.network("ip", ["link", "set", "eth0", "up"]);
	}
	const macs = await Promise.all(boxes.map((box) => macOf(box)));
	return { a, b, macs: macs as [string, string] };
}

async function macOf(box: Box): Promise<string> {
	const [link] = JSON.parse(await box.network("ip", ["-j", "link", "show", "eth0"])) as { address: string }[];
	return link?.address ?? "";
}

/** Carries out one request of inside.ts in the network of the box and returns what it prints. */
export async function ask<T>(box: Box, request: Record<string, unknown>): Promise<T> {
	return JSON.parse(await box.network(process.execPath, [inside, JSON.stringify(request)])) as T;
}

/** Addresses on eth0 without the link-local one. */
export async function addressesOf(box: Box): Promise<string[]> {
	const [link] = JSON.parse(await box.network("ip", ["-j", "addr", "show", "dev", "eth0", "scope", "global"])) as {
		addr_info: { local?: string; prefixlen: number }[];
	}[];
	// ip prints an empty object for what the scope leaves out.
	return (link?.addr_info ?? [])
		.filter(({ local }) => local !== undefined)
		.map(({ local, prefixlen }) => `${local}/${prefixlen}`)
		.sort();
}

/** MAC address that the box's neighbour table has for an address. */
export async function neighbour(box: Box, addr: string): Promise<string | undefined> {
	const table = JSON.parse(await box.network("ip", ["-j", "neigh", "show", addr, "dev", "eth0"])) as {
		lladdr?: string;
	}[];
	return table[0]?.lladdr;
}
