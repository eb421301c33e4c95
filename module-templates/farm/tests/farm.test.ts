/** What this module does when something fails: `safekit module test` runs it on simulated servers. */
import assert from "node:assert/strict";
import { cluster, test } from "opensafe/testing";

test("all servers run the application, and all have the address", async () => {
	const all = await cluster({ servers: 3 });
	await all.start();
	for (const server of all.servers) {
		assert.equal(server.scriptRuns("start_both").length, 1);
		assert.ok(server.hasAddress);
	}
});

test("a server that loses power starts the application again when it boots; the others run on", async () => {
	const all = await cluster({ servers: 3 });
	const { n1, n2, n3 } = all;
	await all.start();
	n1.losesPower();
	await all.pass("1m");
	await n1.getsPower();
	await n1.becomes("UP");
	assert.equal(n1.scriptRuns("start_both").length, 2);
	for (const other of [n2, n3]) assert.equal(other.scriptRuns("start_both").length, 1);
});

test("an application that does not start any more stops the module on that server only", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	// As bin/start_both does: it orders the module to stop.
	n1.script("start_both")
		.exits(1)
		.does(() => n1.stop({ identity: "start_both" }));
	await n1.restart();
	await n1.becomes("STOP");
	assert.equal(n1.hasAddress, false);
	assert.equal(n2.state, "UP");
});
