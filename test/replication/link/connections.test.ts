/** Links of several connections, and without encryption: two real processes. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { joinBytes, joinRequest, readJoin } from "../../../core/replication/wire/join.ts";
import { Pair } from "../pair.ts";
import { Writer } from "../writer.ts";

/** Established connections to the port on which b listens. */
function connections(pair: Pair): number {
	const { port } = pair.b.config.listen;
	const lines = execFileSync("ss", ["-Htn", "state", "established", `( dport = :${port} )`], { encoding: "utf8" });
	return lines.split("\n").filter((line) => line !== "").length;
}

async function end(t: ExecutionContext, pair: Pair): Promise<void> {
	await pair.a.ask({ order: "seal" }, "sealed");
	for (const node of [pair.b, pair.a]) await node.ask({ order: "close" }, "closed");
	t.deepEqual(pair.differences(), []);
}

test.serial("four connections: all are used, keep their order, and live and die together", async (t) => {
	const pair = await Pair.make(t, { connections: 4 });
	const { a, b } = pair;
	writeFileSync(join(a.dir, "before"), randomBytes(8 << 20));
	await pair.up();
	t.is(connections(pair), 4);
	const writer = new Writer(a.dir);
	const writing = writer.run();
	await writer.started();
	// Each connection is late at its own moments, so what is sent arrives in another order.
	pair.proxy.set({ delayMs: 5, loss: 0.05 });
	for (let n = 0; n < 8; n++) {
		writeFileSync(join(a.dir, `large${n}`), randomBytes(3 << 20));
		await sleep(100);
	}
	pair.proxy.set({});
	const from = a.facts.length;
	pair.proxy.cut();
	await a.until("frozen", from);
	pair.proxy.mend();
	await a.until("thawed", from);
	t.is(connections(pair), 4);
	t.false(a.facts.some(({ fact }) => fact === "peerLost"));
	writer.stop();
	await writing;
	t.deepEqual(writer.failed, []);
	await end(t, pair);
	t.is(writer.lostIn(b.dir), 0);
});

test.serial("the number that the source wants counts, also where the target was not told yet", async (t) => {
	const pair = await Pair.make(t, { connections: 2 });
	pair.b.config.connections = 1;
	await pair.up();
	t.is(connections(pair), 2);
	writeFileSync(join(pair.a.dir, "x"), "y");
	await end(t, pair);
});

test.serial("without encryption the content can be read on the way; one side that wants it is enough", async (t) => {
	for (const sealed of [false, true]) {
		const pair = await Pair.make(t, { sealed: false });
		pair.b.config.sealed = sealed;
		await pair.up();
		const needle = `needle ${randomBytes(8).toString("hex")}`;
		pair.proxy.watchFor(needle);
		writeFileSync(join(pair.a.dir, "file"), needle.repeat(100));
		await end(t, pair);
		t.is(await pair.proxy.seen(), !sealed);
	}
});

test("only who has the link's key joins it, at one place", (t) => {
	const key = randomBytes(32);
	const request = joinRequest(key, 3);
	t.is(request.length, joinBytes);
	t.is(readJoin(key, request), 3);
	t.is(readJoin(randomBytes(32), request), null);
	for (let at = 0; at < request.length; at++) {
		const changed = Buffer.from(request);
		changed[at]! ^= 1;
		t.is(readJoin(key, changed), null, `byte ${at}`);
	}
	t.is(readJoin(key, request.subarray(1)), null);
});
