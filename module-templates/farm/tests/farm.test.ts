/** What this module does when something fails: `safekit module test` runs it on simulated servers. */
import assert from "node:assert/strict";
import { cluster, test } from "opensafe/testing";

test("all servers run the application, and share its clients", async () => {
	const all = await cluster({ servers: 4 });
	await all.start();
	for (const server of all.servers) {
		assert.equal(server.scriptRuns("start_both").length, 1);
		assert.ok(server.hasAddress);
		assert.equal(server.load("FarmProto_0"), 25);
	}
});

test("a server that loses power leaves its clients to the others, until it has started the application again", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	n1.losesPower();
	await n2.shows("FarmProto_0", "100%", { within: "5s" });
	n1.script("start_both").takes("1m");
	await n1.getsPower();
	await both.pass("30s");
	assert.equal(n2.load("FarmProto_0"), 100);
	await n1.becomes("UP");
	await n2.shows("FarmProto_0", "50%");
	assert.equal(n2.scriptRuns("start_both").length, 1);
});

test("a server that is stopped has no clients any more when its application stops", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	const seen: number[] = [];
	n1.script("stop_both").does(() => void seen.push(n1.load("FarmProto_0"), n2.load("FarmProto_0")));
	await n1.stop();
	await n1.becomes("STOP");
	assert.deepEqual(seen.slice(0, 2), [0, 100]);
});

test("servers that lose each other answer all clients, each those that it reaches", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	both.cut();
	await n1.shows("FarmProto_0", "100%", { within: "5s" });
	await n2.shows("FarmProto_0", "100%", { within: "5s" });
	both.mend();
	await n1.shows("FarmProto_0", "50%");
	await n2.shows("FarmProto_0", "50%");
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
	await n2.shows("FarmProto_0", "100%");
});
