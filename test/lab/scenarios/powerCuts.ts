/** Power cuts under pgbench, and the check that must find what they lose. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";
import { Database } from "./database.ts";

const workBeforeCutMs = 3000;
const longWorkS = 120;
const shortWorkS = 4;
const controlRounds = 4;

/** Cuts the power of whichever server is primary, `times` times; nothing acknowledged may be missing. */
export async function powerCuts(t: ExecutionContext, lab: Lab, version: string, times: number): Promise<void> {
	const database = await Database.make(lab, version, null);
	await database.start();
	let [primary, secondary] = database.mirror.nodes;
	for (let round = 1; round <= times; round++) {
		const { missing, acknowledged, outageMs } = await cutUnderWork(database, primary, secondary);
		t.log(
			`${round}: ${primary.name} lost power, ${secondary.name} alone after ${outageMs} ms, ${acknowledged} acknowledged`,
		);
		t.true(acknowledged > 50, "pgbench worked");
		t.deepEqual(missing, [], `acknowledged, and gone with ${primary.name}`);
		t.deepEqual(await database.unbalanced(), []);
		await comeBack(t, database, primary, secondary);
		[primary, secondary] = [secondary, primary];
	}
}

/** The negative control: with early acknowledgements the check above must find losses. */
export async function sabotaged(t: ExecutionContext, lab: Lab, version: string): Promise<void> {
	const database = await Database.make(lab, version, "early-ack");
	await database.start();
	const [first, second] = database.mirror.nodes;
	let [primary, secondary] = [first, second];
	for (let round = 1; round <= controlRounds; round++) {
		const found = await cutUnderWork(database, primary, secondary).catch((error: Error) => [error.message]);
		// A database that does not even start on what is left is a loss as well.
		const missing = Array.isArray(found) ? found : found.missing;
		t.log(`${round}: ${missing.length} acknowledged transactions are missing`);
		if (missing.length > 0) {
			t.pass();
			return;
		}
		await comeBack(t, database, primary, secondary);
		[primary, secondary] = [secondary, primary];
	}
	t.fail(`no loss in ${controlRounds} power cuts: the check would find nothing in the real test either`);
}

/** pgbench works, the primary loses power, the other server takes over; then what was acknowledged is looked for. */
async function cutUnderWork(
	database: Database,
	primary: LabNode,
	secondary: LabNode,
): Promise<{ missing: string[]; acknowledged: number; outageMs: number }> {
	const work = database.work(longWorkS);
	await sleep(workBeforeCutMs);
	const from = performance.now();
	await primary.powerCut();
	await database.mirror.until(secondary, "ALONE Ready", 60_000);
	const outageMs = Math.round(performance.now() - from);
	const { said } = await work.ended;
	if (!/server closed|aborted|Connection/i.test(said))
		throw new Error(`pgbench did not notice the power cut:\n${said}`);
	return { missing: await database.missing(work), acknowledged: work.acknowledged().length, outageMs };
}

/** The server without power returns and is made equal, while the application runs without an error. */
async function comeBack(t: ExecutionContext, database: Database, back: LabNode, alone: LabNode): Promise<void> {
	const { mirror } = database;
	let resynced = false;
	const returned = mirror.powerOn(back).then(async () => {
		await mirror.until(back, "SECOND Ready", 120_000);
		await mirror.until(alone, "PRIM Ready", 30_000);
		resynced = true;
	});
	// Seen by whoever awaits it below; until then it must not end the process.
	returned.catch(() => {
		resynced = true;
	});
	do {
		const { exitCode, said } = await database.work(shortWorkS).ended;
		t.is(exitCode, 0, `the application runs on during the resync: ${said}`);
	} while (!resynced);
	await returned;
	t.deepEqual(await database.unbalanced(), []);
}
