/** Clients behind a narrow path: what a router says about a connection reaches the server that has it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { ExecutionContext } from "ava";
import { Box } from "../../../sdk/lab/box.ts";
import { boxTest } from "../../platform/two.ts";
import type { Asked } from "./agent.ts";
import { each, farm, four, ownerOf, patientMs, share, six } from "./farms.ts";
import { Agent, even, type Net, names, port, viewOf } from "./net.ts";

const run = promisify(execFile);
const narrow = 1300;
const bytes = 100_000;
const clientCount = 8;

for (const type of ["vmac_invisible", "vmac_directed"] as const) {
	boxTest(`${type}: servers hear of a narrow path, also for connections that stayed with them`, async (t) => {
		const made = await farm(t, type);
		const far = await behind(t, made);
		const view = even(names);
		await share(made, view);
		const kept: { id: number; name: string }[] = [];
		for (const client of clients("10.10.0.", four, 10)) kept.push(await far.do("keep", client));
		for (const client of clients("fd10::", six, 10)) kept.push(await far.do("keep", client));
		t.deepEqual([...new Set(kept.map(({ name }) => name))].sort(), names);
		// Every bucket moves.
		const moved = viewOf(names, (bucket) => names[(bucket + 1) % 3] ?? null);
		await share(made, moved);
		t.deepEqual(
			await Promise.all(kept.map(({ id }) => far.do("again", { id, withinMs: patientMs, bytes }))),
			kept.map(({ name }) => name),
		);
		const others = [...clients("10.10.0.", four, 30), ...clients("fd10::", six, 30)];
		t.deepEqual(
			await far.do("tcp", { clients: others, withinMs: patientMs, bytes }),
			others.map((client) => ownerOf(moved, client)),
		);
		for (const [client, name] of [
			[clients("10.10.0.", four, 10)[0], kept[0]?.name],
			[others[0], ownerOf(moved, others[0] as Asked)],
			[others[clientCount], ownerOf(moved, others[clientCount] as Asked)],
		] as const) {
			const route = await made.boxes[name ?? ""]?.network("ip", ["route", "get", client?.from ?? ""]);
			t.true(route?.includes(`mtu ${narrow}`), `${name} was told: ${route}`);
		}
	});
}

function clients(prefix: string, to: string, first: number): Asked[] {
	return Array.from({ length: clientCount }, (_, n) => ({ from: `${prefix}${first + n}`, to, port }));
}

/** More clients, behind the machine of the others: their own interface is wide, what leads to it is not. */
async function behind(t: ExecutionContext, made: Net): Promise<Agent> {
	const router = made.boxes.clients as Box;
	const far = await Box.start("far", "ip link set lo up; echo ready; read -r end", {});
	t.teardown(() => far.kill());
	const [here, there] = [String(router.pid), String(far.pid)];
	await run("ip", ["link", "add", "far0", "netns", here, "type", "veth", "peer", "name", "eth0", "netns", there]);
	await router.network("ip", ["-batch", "-"], `link set far0 up mtu ${narrow}\n${addresses("far0", [1])}`);
	await router.network("sysctl", ["-q", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
	const own = [10, 30].flatMap((first) => Array.from({ length: clientCount }, (_, n) => first + n));
	const routes = "route add default via 10.10.0.1\nroute add default via fd10::1\n";
	await far.network("ip", ["-batch", "-"], `link set eth0 up\n${addresses("eth0", own)}${routes}`);
	await each(made, async (_, name) => {
		const back = "route add 10.10.0.0/24 via 10.9.0.100\nroute add fd10::/64 via fd09::100\n";
		await made.boxes[name]?.network("ip", ["-batch", "-"], back);
	});
	const agent = await Agent.start(far);
	t.teardown(() => agent.kill());
	return agent;
}

function addresses(device: string, own: readonly number[]): string {
	return own
		.map((n) => `address add 10.10.0.${n}/24 dev ${device}\naddress add fd10::${n}/64 dev ${device} nodad\n`)
		.join("");
}
