/** What this module does when something fails: `safekit module test` runs it on simulated servers. */
import assert from "node:assert/strict";
import { cluster, test } from "opensafe/testing";

test("all servers answer; the clients of one that loses power meet the others", async () => {
	const all = await cluster({ servers: 4 });
	await all.start();
	for (const server of all.servers) {
		assert.equal(server.scriptRuns("start_both").length, 1);
		assert.equal(server.load("IIS_0"), 25);
	}
	all.n1.losesPower();
	await all.n4.shows("IIS_0", "33%", { within: "5s" });
	await all.n1.getsPower();
	await all.n1.shows("IIS_0", "25%");
});

test("a server whose IIS does not answer restarts it; the fourth time in a day it leaves the farm", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	// Until somebody fills it in, the address is this one.
	const port = n1.tcp("192.0.2.10:80");
	for (let time = 1; time <= 3; time++) {
		port.isClosed();
		await n1.runs("start_both", { within: "2m" });
		port.isOpen();
		await both.pass("1h");
	}
	assert.equal(n1.load("IIS_0"), 50);
	port.isClosed();
	await n1.becomes("STOP", { within: "2m" });
	await n2.shows("IIS_0", "100%");
	assert.equal(n2.scriptRuns("start_both").length, 1);
});
