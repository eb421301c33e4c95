/** Somebody on the way alters or replays what two real processes send each other (replication.md, guarding both sides). */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Pair } from "../pair.ts";
import type { NetworkFault } from "../proxy.ts";
import { Writer } from "../writer.ts";

/** The least packet that there is. */
const any = 24;
const tampering: Record<string, { fault: NetworkFault; notices: "a" | "b" }> = {
	"a packet to the secondary is altered": { fault: { alter: { way: "there", atLeast: any } }, notices: "b" },
	"an answer to the primary is altered": { fault: { alter: { way: "back", atLeast: any } }, notices: "a" },
	"a packet to the secondary comes twice": { fault: { replay: "there" }, notices: "b" },
	"an answer to the primary comes twice": { fault: { replay: "back" }, notices: "a" },
};
const refused = /E rfsplug Data on the replication link was refused.*does not carry the seal of this connection/g;

test.serial("altered and replayed packets end the link, which is made again; nothing wrong is applied", async (t) => {
	const pair = await Pair.make(t, { sealed: true });
	const { a, b } = pair;
	await pair.up();
	const writer = new Writer(a.dir);
	const writing = writer.run();
	await writer.started();
	for (const [name, { fault, notices }] of Object.entries(tampering)) {
		const refusals = (): number => pair[notices].logs.join("\n").match(refused)?.length ?? 0;
		const [from, before] = [a.facts.length, refusals()];
		pair.proxy.set(structuredClone(fault));
		await a.until("frozen", from);
		await a.until("thawed", from);
		// The other process's lines come when they come.
		for (let n = 0; n < 500 && refusals() === before; n++) await sleep(10);
		t.is(refusals(), before + 1, name);
		const total = writer.total;
		while (writer.failed.length === 0 && writer.total === total) await new Promise(setImmediate);
	}
	writer.stop();
	await writing;
	t.deepEqual(writer.failed, []);
	t.false(
		a.facts.some(({ fact }) => fact === "peerLost"),
		"the session went on each time",
	);
	await a.ask({ order: "seal" }, "sealed");
	for (const node of [b, a]) await node.ask({ order: "close" }, "closed");
	t.deepEqual(pair.differences(), []);
	t.is(writer.lostIn(b.dir), 0, `of ${writer.total}`);
});

test.serial("negative control: without encryption the same byte arrives altered", async (t) => {
	const pair = await Pair.make(t, { sealed: false });
	const { a, b } = pair;
	await pair.up();
	pair.proxy.set({ alter: { way: "there", atLeast: 8000 } });
	writeFileSync(join(a.dir, "text"), "x".repeat(10_000));
	await a.ask({ order: "seal" }, "sealed");
	for (const node of [b, a]) await node.ask({ order: "close" }, "closed");
	t.is(readFileSync(join(a.dir, "text"), "utf8"), "x".repeat(10_000));
	t.not(readFileSync(join(b.dir, "text"), "utf8"), "x".repeat(10_000));
});
