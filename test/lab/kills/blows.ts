/** Everything of a server that can die, and how: each blow falls on a mirror in service. */
import type { LabNode } from "../../../sdk/lab/node.ts";
import { data, safekit } from "../scenarios/mirror.ts";
import type { Ordeal, Place } from "./ordeal.ts";

export interface Blow {
	title: string;
	place: Place;
	/** Falls on `node`, which is in `place`. Returns when what it killed is dead and the server has power. */
	strike(ordeal: Ordeal, node: LabNode, other: LabNode): Promise<void>;
	/** What a person does afterwards. Default: `safekit stop` and `safekit start` on the server that was hit. */
	afterwards?: (ordeal: Ordeal, node: LabNode, other: LabNode) => Promise<void>;
}

const replication = "core/replication/[p]rocess.ts";
const holder = "sleep [i]nfinity";
/** Seconds that somebody's process sleeps in the replicated directory: its mark. */
const stranger = 776600;
const places: Place[] = ["PRIM", "SECOND", "ALONE"];

/** kill -9 of processes of the node by their command lines; throws when there is none: a blow must not miss. */
async function kill(ordeal: Ordeal, node: LabNode, patterns: string[]): Promise<void> {
	const found = await Promise.all(patterns.map((text) => ordeal.pids(node, text)));
	if (found.some((pids) => pids.length === 0)) throw new Error(`nothing to kill: ${patterns.join(", ")}`);
	await node.run(`kill -9 ${found.flat().join(" ")}`);
}

async function killDaemon(ordeal: Ordeal, node: LabNode): Promise<void> {
	await node.run(`kill -9 ${await ordeal.mirror.daemonPid(node)}`);
}

/** As after a blow to the daemon: nothing at all is to be done. */
async function nothing(): Promise<void> {}

async function stopAndStart(ordeal: Ordeal, node: LabNode): Promise<void> {
	await ordeal.stopAndStart(node);
}

/** Starts a command and cuts the power somewhere in it. What the command says is lost with the server. */
async function cutDuring(ordeal: Ordeal, node: LabNode, command: string, withinMs: number): Promise<void> {
	const given = node.attempt(command).catch(() => null);
	await ordeal.pause(withinMs);
	await node.powerCut();
	await given;
	await ordeal.pause(1500);
	await ordeal.mirror.powerOn(node);
}

/** A server that lost power starts its module by itself (boot="on"); one that was stopped before is started. */
async function started(ordeal: Ordeal, node: LabNode): Promise<void> {
	await ordeal.mirror.command(node, "start");
}

async function bothStarted(ordeal: Ordeal, node: LabNode, other: LabNode): Promise<void> {
	await started(ordeal, node);
	await started(ordeal, other);
}

/** Processes that die while the server lives on. */
export const kills: Blow[] = [
	...places.map((place) => ({
		title: `the daemon of ${place}`,
		place,
		strike: killDaemon,
		afterwards: (ordeal: Ordeal, _: LabNode, other: LabNode) =>
			place === "ALONE" ? started(ordeal, other) : nothing(),
	})),
	...places.map((place) => ({
		title: `the replication process of ${place}`,
		place,
		strike: (ordeal: Ordeal, node: LabNode) => kill(ordeal, node, [replication]),
		afterwards: (ordeal: Ordeal, _: LabNode, other: LabNode) =>
			place === "ALONE" ? started(ordeal, other) : nothing(),
	})),
	...places.map((place) => ({
		title: `the holder of ${place}`,
		place,
		strike: (ordeal: Ordeal, node: LabNode) => kill(ordeal, node, [holder]),
		afterwards: (ordeal: Ordeal, _: LabNode, other: LabNode) =>
			place === "ALONE" ? started(ordeal, other) : nothing(),
	})),
	...places.map((place) => ({
		title: `the replication process and the holder of ${place} at once`,
		place,
		strike: async (ordeal: Ordeal, node: LabNode) => {
			// Not the module's own: it stays below the mount, dead or not, and no script ends it.
			await node.run(`(cd ${data}/app && exec setsid sleep ${stranger} < /dev/null > /dev/null 2>&1 &)`);
			await kill(ordeal, node, [replication, holder]);
		},
		afterwards: (ordeal: Ordeal, node: LabNode, other: LabNode) =>
			place === "SECOND" ? kill(ordeal, node, [`sleep ${stranger}`]) : afterDegraded(ordeal, node, other, place),
	})),
	...places.map((place) => ({
		title: `daemon and replication process of ${place} at once`,
		place,
		strike: async (ordeal: Ordeal, node: LabNode) => {
			const pids = [await ordeal.mirror.daemonPid(node), ...(await ordeal.pids(node, replication))];
			await node.run(`kill -9 ${pids.join(" ")}`);
		},
		afterwards: (ordeal: Ordeal, _: LabNode, other: LabNode) =>
			place === "ALONE" ? started(ordeal, other) : nothing(),
	})),
	...places.map((place) => ({
		title: `every process of ${place} but its init`,
		place,
		strike: async (ordeal: Ordeal, node: LabNode) => {
			await node.attempt("kill -9 -1");
			await node.stopService("safeadmin");
			ordeal.mirror.startDaemon(node);
		},
		afterwards: async (ordeal: Ordeal, node: LabNode, other: LabNode) => {
			await ordeal.stopAndStart(node);
			if (place === "ALONE") await started(ordeal, other);
		},
	})),
	{
		title: "start_prim while it runs",
		place: "PRIM",
		strike: async (ordeal, node) => {
			await ordeal.mirror.command(node, "restart");
			await ordeal.mirror.lab.until("start_prim runs", 20_000, async () => {
				return (await node.attempt("pkill -9 -f 'bin/[s]tart_prim'")).code === 0;
			});
		},
		afterwards: stopAndStart,
	},
	{
		title: "the command that stops the module, and the one that starts it",
		place: "SECOND",
		strike: async (ordeal, node) => {
			for (const word of ["stop", "start"]) {
				const delay = ordeal.random.between(0, 80) / 1000;
				await node.attempt(`${safekit} ${word} -m ${ordeal.mirror.module} & sleep ${delay}; kill -9 $!`);
			}
		},
		afterwards: stopAndStart,
	},
];

/** The documented degraded mode: the text must say what is true, and name the command that ends it. */
async function afterDegraded(ordeal: Ordeal, node: LabNode, other: LabNode, place: Place): Promise<void> {
	await ordeal.degraded(node);
	await ordeal.stopAndStart(node);
	await kill(ordeal, node, [`sleep ${stranger}`]);
	if (place === "ALONE") await started(ordeal, other);
}

/** The server loses power in the middle of something. */
export const cuts: Blow[] = [
	{
		title: "PRIM",
		place: "PRIM",
		strike: (ordeal, node) => cutDuring(ordeal, node, "true", 300),
		afterwards: nothing,
	},
	{
		title: "SECOND during its resync",
		place: "SECOND",
		strike: async (ordeal, node) => {
			await ordeal.stop(node);
			await cutDuring(ordeal, node, `${safekit} start -m service && sleep 9`, 3000);
		},
		afterwards: started,
	},
	{
		title: "PRIM during the resync of the other",
		place: "PRIM",
		strike: async (ordeal, node, other) => {
			await ordeal.stop(other);
			await ordeal.mirror.command(other, "start");
			await cutDuring(ordeal, node, "true", 1500);
		},
		afterwards: bothStarted,
	},
	{
		title: "PRIM during stop",
		place: "PRIM",
		strike: (ordeal, node) => cutDuring(ordeal, node, `${safekit} stop -m service && sleep 9`, 2000),
		afterwards: bothStarted,
	},
	{
		title: "PRIM during swap",
		place: "PRIM",
		strike: (ordeal, node) => cutDuring(ordeal, node, `${safekit} swap -m service && sleep 9`, 2000),
		afterwards: bothStarted,
	},
	{
		title: "SECOND during swap",
		place: "SECOND",
		strike: (ordeal, node) => cutDuring(ordeal, node, `${safekit} swap -m service && sleep 9`, 2000),
		afterwards: bothStarted,
	},
	{
		title: "both servers, one soon after the other",
		place: "PRIM",
		strike: async (ordeal, node, other) => {
			const [first, second] = ordeal.random.chance(0.5) ? [node, other] : [other, node];
			await first.powerCut();
			await ordeal.pause(1500);
			await second.powerCut();
			const [early, late] = ordeal.random.chance(0.5) ? [first, second] : [second, first];
			await ordeal.mirror.powerOn(early);
			await ordeal.pause(3000);
			await ordeal.mirror.powerOn(late);
		},
		afterwards: nothing,
	},
	{
		title: "a stopped server in the middle of config",
		place: "SECOND",
		strike: async (ordeal, node) => {
			await ordeal.stop(node);
			await cutDuring(ordeal, node, `${safekit} config -m service; ${safekit} config -m service`, 1200);
		},
		afterwards: started,
	},
	{
		title: "a stopped server in the middle of module install",
		place: "SECOND",
		strike: async (ordeal, node) => {
			await ordeal.stop(node);
			const install = `${safekit} module install -r -m service /var/safekit/service.safe`;
			await node.run(`${safekit} module package -m service /var/safekit/service.safe`);
			await cutDuring(ordeal, node, install, 800);
		},
		afterwards: started,
	},
];
