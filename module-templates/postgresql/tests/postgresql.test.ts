/** What this module does when something fails: `safekit module test` runs it on two simulated servers. */
import assert from "node:assert/strict";
import { cluster, test } from "opensafe/testing";

test("the database runs where its data and its address are", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	assert.equal(n1.hasAddress, true);
	assert.equal(n2.hasAddress, false);
	assert.equal(n1.resource("rfs.uptodate"), "up");
	assert.equal(n2.resource("rfs.uptodate"), "up");
	assert.equal(n2.scriptRuns("start_prim").length, 0);
});

test("when the primary loses power, the other server starts the database with all of its data", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	n1.losesPower();
	await n2.becomes("ALONE", { within: "1m" });
	assert.equal(n2.scriptRuns("start_prim").length, 1);
	await n1.getsPower();
	await n1.becomes("SECOND");
});

test("a server whose copy is not complete does not start the database", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	n2.losesPower();
	await n1.becomes("ALONE");
	both.copyTakes("1h");
	await n2.getsPower();
	await both.pass("10m");
	n1.losesPower();
	await both.pass("10m");
	assert.equal(n2.scriptRuns("start_prim").length, 0);
	assert.notEqual(n2.state, "ALONE");
});

test("a database that takes long to recover is waited for", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	n2.script("start_prim").takes("20m");
	n1.losesPower();
	await n2.becomes("ALONE Transient", { within: "1m" });
	await n2.becomes("ALONE", { within: "30m" });
});

test("a database that does not stop in time is stopped by force before the other server starts it", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	n1.script("stop_prim").takes("1h");
	await n1.swap();
	await n2.becomes("PRIM", { within: "30m" });
	const stops = n1.scriptRuns("stop_prim");
	assert.deepEqual(
		stops.map(({ args }) => args[0] === "force"),
		[false, true],
	);
	const started = n2.scriptRuns("start_prim").at(-1)?.startedMs ?? 0;
	assert.ok((stops[1]?.endedMs ?? Number.POSITIVE_INFINITY) <= started);
});
