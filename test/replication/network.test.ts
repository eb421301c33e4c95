/**
 * What a network can do to a session (replication.md §5.5): the application goes on within the configured times, and
 * once the fault is over both sides are equal, compared whole.
 */
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { Pair } from "./pair.ts";
import type { NetworkFault } from "./proxy.ts";
import { Writer } from "./writer.ts";

const linkTimeoutMs = 2000;
const times = { linkTimeoutMs, sendTimeoutMs: 3000, lockTimeoutMs: 8000 };
/** Detection, the attempt to go on (§5.5 step 2), a sync; and what a loaded machine needs beside its tests. */
const degradesWithinMs = linkTimeoutMs + 2000 + 6000;

/** Both stop in order and hold the same. */
async function converged(t: ExecutionContext, pair: Pair, writer: Writer): Promise<void> {
	await pair.a.ask({ order: "seal" }, "sealed");
	for (const node of [pair.b, pair.a]) await node.ask({ order: "close" }, "closed");
	t.deepEqual(pair.differences(), []);
	t.is(writer.lostIn(pair.b.dir), 0, `of ${writer.total}`);
}

async function serving(
	t: ExecutionContext,
	over = {},
): Promise<{ pair: Pair; writer: Writer; writing: Promise<void> }> {
	const pair = await Pair.make(t, { ...times, ...over });
	await pair.up();
	const writer = new Writer(pair.a.dir);
	const writing = writer.run();
	await writer.started();
	return { pair, writer, writing };
}

interface Bearable {
	fault: NetworkFault;
	/** Whether it comes and goes, so many seconds each. */
	onOffMs?: [number, number];
	slowestMs: number;
}

const bearable: Record<string, Bearable> = {
	"50 ms delay": { fault: { delayMs: 50 }, slowestMs: 3000 },
	"30 % loss": { fault: { loss: 0.3 }, slowestMs: 6000 },
	"stalls of 2 seconds": { fault: { stop: "both" }, onOffMs: [2000, 500], slowestMs: 6000 },
};

for (const [name, { fault, onOffMs, slowestMs }] of Object.entries(bearable)) {
	test.serial(`${name}: slower, but the session goes on`, async (t) => {
		const { pair, writer, writing } = await serving(t, { linkTimeoutMs: 6000, lockTimeoutMs: 20_000 });
		const before = writer.total;
		const [onMs, offMs] = onOffMs ?? [6000, 0];
		for (let spentMs = 0; spentMs < 6000; spentMs += onMs + offMs) {
			pair.proxy.set(fault);
			await sleep(onMs);
			pair.proxy.set({});
			await sleep(offMs);
		}
		t.true(writer.total > before, "writes go on");
		writer.stop();
		await writing;
		t.deepEqual(writer.failed, []);
		t.false(pair.a.facts.some(({ fact }) => fact === "frozen" || fact === "peerLost"));
		t.true(writer.longestMs < slowestMs, `${Math.round(writer.longestMs)} ms`);
		await converged(t, pair, writer);
	});
}

/** Each breaks a session for good; `mend` takes the fault away. */
const breaking: Record<string, { begin(pair: Pair): void; mend(pair: Pair): void }> = {
	"the link is cut": { begin: ({ proxy }) => proxy.cut(), mend: ({ proxy }) => proxy.mend() },
	"what the primary sends is lost": {
		begin: ({ proxy }) => proxy.set({ stop: "there" }),
		mend: ({ proxy }) => proxy.set({}),
	},
	"what the secondary answers is lost": {
		begin: ({ proxy }) => proxy.set({ stop: "back" }),
		mend: ({ proxy }) => proxy.set({}),
	},
	"somebody accepts and never answers": {
		begin: ({ proxy }) => {
			proxy.set({ swallow: true });
			proxy.cut();
			proxy.mend();
		},
		mend: ({ proxy }) => proxy.set({}),
	},
	"the peer's process is stopped and accepts all the same": {
		begin: ({ b }) => process.kill(b.client.pid!, "SIGSTOP"),
		mend: ({ b }) => process.kill(b.client.pid!, "SIGCONT"),
	},
};

for (const [name, { begin, mend }] of Object.entries(breaking)) {
	test.serial(`${name}: alone within the timeouts, and equal afterwards`, async (t) => {
		const { pair, writer, writing } = await serving(t);
		const { a, b } = pair;
		const [from, startedMs] = [a.facts.length, performance.now()];
		begin(pair);
		await a.until("peerLost", from, degradesWithinMs);
		t.log(`lost after ${Math.round(performance.now() - startedMs)} ms`);
		await a.ask({ order: "sync" }, "synchronised");
		pair.term += 10;
		await a.ask({ order: "goAlone", term: pair.term }, "alone");
		const alone = writer.total;
		await sleep(500);
		t.true(writer.total > alone, "the application goes on");
		mend(pair);
		await b.until("linkLost", 0, degradesWithinMs);
		t.true(b.facts.some((fact) => fact.fact === "linkLost" && fact.promotable));
		await b.ask({ order: "open" }, "opened");
		await pair.join(a, b, "PEER_BEHIND");
		writer.stop();
		await writing;
		t.deepEqual(writer.failed, []);
		t.true(writer.longestMs < degradesWithinMs, `${Math.round(writer.longestMs)} ms`);
		await converged(t, pair, writer);
	});
}

test.serial("negative control: without a limit on silence the same cut is not noticed in time", async (t) => {
	const minute = 60_000;
	const over = { linkTimeoutMs: minute, sendTimeoutMs: minute, lockTimeoutMs: minute };
	const { pair, writer, writing } = await serving(t, over);
	pair.proxy.set({ stop: "back" });
	await t.throwsAsync(pair.a.until("peerLost", 0, degradesWithinMs), { message: /no peerLost/ });
	const before = writer.total;
	await sleep(200);
	t.is(writer.total, before, "nobody may go on");
	pair.proxy.set({});
	writer.stop();
	await writing;
	await converged(t, pair, writer);
});

const late = { locktimeout: { lockTimeoutMs: 2000 }, iotimeout: { ioTimeoutMs: 2000, lockTimeoutMs: 60_000 } };
for (const [name, limit] of Object.entries(late)) {
	test.serial(
		`an operation that is not answered within ${name} ends the session although the link lives`,
		async (t) => {
			const { pair, writer, writing } = await serving(t, {
				linkTimeoutMs: 60_000,
				sendTimeoutMs: 60_000,
				...limit,
			});
			const from = pair.a.facts.length;
			pair.proxy.set({ stop: "back" });
			const frozen = await pair.a.until("frozen", from, 8000);
			t.regex(frozen.why, /not acknowledged for 2000 ms/);
			pair.proxy.set({});
			await pair.a.until("thawed", from);
			writer.stop();
			await writing;
			t.deepEqual(writer.failed, []);
			await converged(t, pair, writer);
		},
	);
}
