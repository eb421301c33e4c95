/**
 * What the network between two servers can do, through the whole product: states within time budgets, nothing lost that
 * was acknowledged, both copies equal once it is mended, compared whole. What a split makes one of them lose is kept.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";
import { compareTrees } from "../../replication/treeCompare.ts";
import { labTest } from "../open.ts";
import { Load } from "./load.ts";
import { data, Mirror } from "./mirror.ts";

/** Heartbeat timeout of 3 s, the attempt to go on with the link, a sync; and a loaded machine. */
const degradesWithinMs = 30_000;
const mendsWithinMs = 60_000;

interface Kept {
	node: string;
	peer: string;
	outcome: string;
	files: number;
}

/** What a split made this server lose; the first synchronization keeps what was there before, too. */
async function diverged(mirror: Mirror, node: LabNode): Promise<Kept[]> {
	const { entries } = JSON.parse(await mirror.command(node, "rfs diverged --json")) as { entries: Kept[] };
	return entries.filter(({ outcome }) => outcome !== "NEW");
}

/** n1 is the primary again, n2 has everything: what lies below the mounts is the same. */
async function together(t: ExecutionContext, mirror: Mirror): Promise<void> {
	const [n1, n2] = mirror.nodes;
	const began = performance.now();
	await mirror.until(n2, "SECOND Ready", mendsWithinMs);
	await mirror.until(n1, "PRIM Ready", mendsWithinMs);
	t.log(`together again after ${Math.round(performance.now() - began)} ms`);
	t.deepEqual(await mirror.holders(), ["n1"]);
	// What was received is applied a moment later; how the blocks of a file lie is not known before a sync.
	const differences = (): string[] => compareTrees(n1.disk(data), n2.disk(data), { blocks: false });
	await mirror.lab.until("both copies are equal", 15_000, () => {
		const found = differences();
		if (found.length > 0) throw new Error(found.join("\n"));
		return true;
	});
}

/** Two networks, and the module replicating over the first. */
async function inService(lab: Lab): Promise<Mirror> {
	const mirror = await Mirror.make(lab, { timeout: "3s", pulse: "200ms" });
	await mirror.start();
	return mirror;
}

/** The replication's network is cut, the heartbeat on the other one lives: there is no doubt who serves. */
async function linkIsCut(t: ExecutionContext, mirror: Mirror): Promise<void> {
	const [n1, n2] = mirror.nodes;
	const load = new Load(mirror.url, 2, "cut");
	t.teardown(() => load.stop());
	await load.more(20, 30_000);
	await mirror.lab.cut(n2, "lan0");
	await mirror.until(n1, "ALONE Ready", degradesWithinMs);
	await mirror.until(n2, "SECOND Transient", degradesWithinMs);
	// At first it waits for what the primary decides; that it goes on without this one comes with a heartbeat.
	await mirror.lab.until("n2 says what it waits for", degradesWithinMs, async () => {
		const { uptodate, why } = await mirror.state(n2);
		return uptodate === false && why === "Waiting for the replication's connection to n1";
	});
	await load.more(20, 30_000);
	t.deepEqual(await mirror.holders(), ["n1"]);
	await mirror.lab.restore();
	await mirror.until(n2, "SECOND Ready", mendsWithinMs);
	await load.more(20, 30_000);
	await load.stop();
	await together(t, mirror);
	t.log(`${load.acknowledged.length} writes, ${load.errors.length} refused or too late`);
	t.deepEqual(await load.lost(), []);
	t.notRegex(await mirror.log(n2), /Action alone called/, "heartbeats say that the other lives");
	t.deepEqual(await diverged(mirror, n2), []);
}

/** No heartbeat arrives and there is no witness: both go on (spec/01), and what the secondary did is kept apart. */
async function isSplit(t: ExecutionContext, mirror: Mirror, number: number, begin: () => Promise<void>): Promise<void> {
	const [n1, n2] = mirror.nodes;
	await n1.run(`echo before > ${data}/before-${number}`);
	const began = performance.now();
	await begin();
	for (const node of [n1, n2]) await mirror.until(node, "ALONE Ready", degradesWithinMs);
	t.log(`both alone after ${Math.round(performance.now() - began)} ms`);
	t.is(await n2.read(`${data}/before-${number}`), "before\n", "acknowledged by both");
	for (const node of [n1, n2]) await node.run(`echo ${node.name} > ${data}/alone-${number}-${node.name}`);
	await n2.run(`echo changed by n2 > ${data}/before-${number}`);
	await mirror.lab.restore();
	await together(t, mirror);
	for (const node of [n1, n2]) {
		t.is(await node.read(`${data}/before-${number}`), "before\n");
		t.is(await node.read(`${data}/alone-${number}-n1`), "n1\n");
		t.is(await node.read(`${data}/alone-${number}-n2`), null);
	}
	const kept = await diverged(mirror, n2);
	t.is(kept.length, number);
	t.true(kept.every(({ node, peer, outcome }) => node === "n2" && peer === "n1" && outcome === "DIVERGED"));
	t.deepEqual(await diverged(mirror, n1), []);
	t.regex(await mirror.command(n2, "rfs diverged"), /both servers changed data while apart; the data of n1 was kept/);
}

labTest(
	"network faults: states in time, nothing acknowledged lost, both copies equal afterwards",
	{ lans: 2, withinMs: 400_000 },
	async (t, lab) => {
		const mirror = await inService(lab);
		const [n1, n2] = mirror.nodes;
		await linkIsCut(t, mirror);
		await isSplit(t, mirror, 1, () => lab.oneWay(n1, n2));
		await isSplit(t, mirror, 2, () => lab.oneWay(n2, n1));
		const load = new Load(mirror.url, 2, "isolated");
		t.teardown(() => load.stop());
		await load.more(20, 30_000);
		await isSplit(t, mirror, 3, async () => {
			await lab.isolate(n2);
			await mirror.until(n1, "ALONE Ready", degradesWithinMs);
			await load.more(20, 30_000);
			// Once the networks are one again, both hold the address for a moment.
			await load.stop();
		});
		t.deepEqual(await load.lost(), []);
		t.true(existsSync(join(n2.disk(data), ".opensafe/quarantine")));
	},
);
