/**
 * A resync is interrupted by kill −9 in each of its phases, on either side or on both: then the meeting table chooses
 * a source that has every acknowledged write, and the copy that follows leaves equal trees.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { meet, sessionOutcome } from "../../core/engine/meeting.ts";
import { Pair, type TestNode } from "./pair.ts";
import { Writer } from "./writer.ts";

/** What a has told since its session was ordered, and b. */
type Phase = (a: TestNode, b: TestNode, from: number) => boolean;
const phases: Record<string, Phase> = {
	"before the target accepts": () => true,
	"when the copy begins": (_, b) => b.records?.copying === true,
	"when the target is whole": (_, b, from) => b.records?.copying === false && b.facts.length > from + 2,
	"when the source gives up its right": (a) => a.records?.alone === null,
};

async function reached(phase: Phase, a: TestNode, b: TestNode, from: number): Promise<void> {
	for (let n = 0; n < 20_000 && !phase(a, b, from); n++) await sleep(1);
}

/** a serves alone and is ahead of b, which comes back. */
async function behind(t: ExecutionContext): Promise<Pair> {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	await pair.up();
	for (let d = 0; d < 4; d++) {
		mkdirSync(join(a.dir, `d${d}`));
		for (let n = 0; n < 30; n++) writeFileSync(join(a.dir, `d${d}`, `f${n}`), Buffer.alloc(n * 3000, `${d}`));
	}
	await b.kill();
	await alone(pair, a);
	for (let n = 0; n < 30; n += 2) writeFileSync(join(a.dir, "d1", `f${n}`), `changed ${n}`);
	await b.open();
	return pair;
}

/** The engine's answer to a lost peer that crashed. */
async function alone(pair: Pair, a: TestNode, from = 0): Promise<void> {
	await a.until("peerLost", from);
	await a.ask({ order: "sync" }, "synchronised");
	pair.term += 10;
	await a.ask({ order: "goAlone", term: pair.term }, "alone");
}

/** As two daemons do: by the table, or by the right of a secondary that is up to date. */
async function meetAgain(pair: Pair, serves: boolean, promoted: boolean): Promise<TestNode> {
	const { a, b } = pair;
	const side = (node: TestNode, serving: boolean) => ({
		node: node.config.node,
		records: node.records!,
		serves: serving,
		fullsync: null,
	});
	const chosen = meet(side(a, serves), side(b, promoted));
	if (!chosen.go) throw new Error(`${chosen.outcome}: ${chosen.why}`);
	const [source, target] = chosen.source === "mine" ? [a, b] : [b, a];
	await pair.join(source, target, sessionOutcome(chosen.outcome), chosen.quarantine);
	return source;
}

for (const [when, phase] of Object.entries(phases)) {
	for (const victims of ["the target", "the source", "both"] as const) {
		test.serial(`${victims} killed ${when}: the right source, nothing acknowledged is lost, equal trees`, async (t) => {
			t.timeout(120_000);
			const pair = await behind(t);
			const { a, b } = pair;
			const writer = new Writer(a.dir);
			const writing = writer.run();
			await writer.started();
			const from = [a.facts.length, b.facts.length] as const;
			pair.term += 10;
			const order = { order: "session", term: pair.term, outcome: "PEER_BEHIND", everything: true } as const;
			b.client.order({ ...order, quarantine: false, source: false });
			a.client.order({ ...order, quarantine: false, source: true });
			await reached(phase, a, b, from[1]);
			if (when === "when the copy begins") await sleep(Math.random() * 60);
			await Promise.all([victims === "the source" ? null : b.kill(), victims === "the target" ? null : a.kill()]);
			let promoted = false;
			if (victims === "the target") {
				await sleep(100);
				if (a.facts.slice(from[0]).some(({ fact }) => fact === "frozen")) await alone(pair, a, from[0]);
			} else {
				await writing;
				if (victims === "the source") {
					const lost = b.facts.slice(from[1]).some((fact) => fact.fact === "linkLost" && fact.promotable);
					promoted = lost;
					if (lost) {
						await b.ask({ order: "promote" }, "promoted");
						pair.term += 10;
						await b.ask({ order: "serve", term: pair.term, alone: true }, "serving");
					} else await b.ask({ order: "open" }, "opened");
				}
				await a.open();
			}
			if (victims !== "the source") await b.open();
			const source = await meetAgain(pair, victims === "the target", promoted);
			writer.stop();
			await writing;
			t.is(writer.lostIn(source.dir), 0, `of ${writer.total}`);
			for (const node of [source, source === a ? b : a]) await node.ask({ order: "close" }, "closed");
			t.deepEqual(pair.differences(), []);
			t.is(writer.lostIn(b.dir), 0);
		});
	}
}
