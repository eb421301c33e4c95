/**
 * kill -9 of anything at any time: `safekit stop` and `safekit start` are enough, nothing acknowledged is lost, and
 * after `stop` and `unsetup` a server is as it was.
 */
import { readdirSync } from "node:fs";
import { labTest } from "../open.ts";
import { data, nodeInNode } from "../scenarios/mirror.ts";
import { type Blow, cuts, kills } from "./blows.ts";
import { Ordeal } from "./ordeal.ts";
import { added, trace } from "./trace.ts";

const seed = Number(process.env.SEED ?? 1);

for (const [what, blows] of [
	["kill -9 of each process of a server", kills],
	["power cuts in the middle of things", cuts],
] as [string, Blow[]][]) {
	labTest(`${what}: no repair, no loss, nothing left`, { withinMs: 600_000 }, async (t, lab) => {
		const ordeal = await Ordeal.begin(lab, seed);
		try {
			for (const blow of blows) t.log(`${blow.title}: ${await ordeal.suffer(blow)} ms to be in service again`);
		} finally {
			// Otherwise it would write to the next lab, which has the same addresses.
			await ordeal.end();
		}
		t.true(ordeal.client.acknowledgedWrites > 100);

		const { nodes, lab: at } = ordeal.mirror;
		const fresh = await at.node("fresh", { keep: [data] });
		const before = await trace(fresh);
		t.true(added(before, await trace(nodes[0])).length > 20, "a running module does leave a trace");
		for (const node of nodes) await ordeal.stop(node);
		for (const node of nodes) {
			await node.stopService("safeadmin");
			const said = await node.run(`${nodeInNode} /opt/opensafe/core/cli/setup.ts unsetup`);
			t.regex(said, /\/data stays: .*\/data\/\.opensafe/);
			await at.until("what is dying is dead", 10_000, async () => {
				const left = added(before, await trace(node));
				if (left.length > 0) throw new Error(left.join("\n"));
				return true;
			});
			for (const path of ["/opt/safekit", "/var/safekit"]) t.deepEqual(readdirSync(node.disk(path)), [], path);
			// The replicated directory stays, with its data and the state that says whose data it is.
			t.deepEqual(readdirSync(node.disk(data)).sort(), [".opensafe", "app"]);
		}
	});
}
