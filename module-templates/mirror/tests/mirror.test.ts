/** What this module does when something fails: `safekit module test` runs it on two simulated servers. */
import assert from "node:assert/strict";
import { cluster, test } from "opensafe/testing";

test("the application runs on the primary, where its data and its address are", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	assert.equal(n1.hasAddress, true);
	assert.equal(n2.hasAddress, false);
	assert.equal(n1.scriptRuns("start_prim").length, 1);
	assert.equal(n2.scriptRuns("start_prim").length, 0);
});

test("when the primary loses power, the other server takes over; when it comes back, it follows", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	n1.losesPower();
	await n2.becomes("ALONE", { within: "1m" });
	assert.equal(n2.hasAddress, true);
	await n1.getsPower();
	await n1.becomes("SECOND");
	await n2.becomes("PRIM");
});

test("a swap stops the application here before it is started there", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	await n1.swap();
	await n2.becomes("PRIM");
	await n1.becomes("SECOND");
	const stopped = n1.scriptRuns("stop_prim").at(-1)?.endedMs ?? Number.POSITIVE_INFINITY;
	const started = n2.scriptRuns("start_prim").at(-1)?.startedMs ?? 0;
	assert.ok(stopped <= started, "the application ran on both servers");
});

test("an application that does not start any more stops the module, and the other server takes over", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	// As bin/start_prim does: it orders the module to stop.
	n1.script("start_prim")
		.exits(1)
		.does(() => n1.stop({ identity: "start_prim" }));
	await n1.restart();
	await n1.becomes("STOP");
	await n2.becomes("ALONE");
	assert.equal(n2.hasAddress, true);
});

test("when the servers lose each other, the application runs on, and afterwards on one of them only", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	both.cut();
	await n1.becomes("ALONE", { within: "2m" });
	both.mend();
	await both.pass("5m");
	const states = [n1.state, n2.state].sort();
	assert.deepEqual(states, ["PRIM", "SECOND"]);
});
