/** What this module does when something fails: `safekit module test` runs it on two simulated servers. */
import assert from "node:assert/strict";
import { cluster, test } from "opensafe/testing";

test("the application starts with the module and stops with it", async () => {
	const both = await cluster();
	const { n1 } = both;
	await both.start();
	assert.equal(n1.scriptRuns("start_both").length, 1);
	await n1.stop();
	await n1.becomes("STOP");
	assert.deepEqual(
		n1.scriptRuns("stop_both").map(({ args }) => args[0] === "force"),
		[false, true],
	);
});

test("it starts again when the server boots", async () => {
	const both = await cluster();
	const { n1 } = both;
	await both.start();
	n1.losesPower();
	await n1.getsPower();
	await n1.becomes("UP");
	assert.equal(n1.scriptRuns("start_both").length, 2);
});

test("the fourth error within a day stops the module; errors of different days do not add up", async () => {
	const both = await cluster();
	const { n1 } = both;
	await both.start();
	for (let day = 0; day < 6; day++) {
		await n1.restart({ identity: "checker" });
		await both.pass("25h");
	}
	assert.equal(n1.state, "UP");
	for (let error = 0; error < 4; error++) {
		assert.equal(n1.state, "UP");
		await n1.restart({ identity: "checker" });
		await both.pass("1h");
	}
	assert.equal(n1.state, "STOP");
});
