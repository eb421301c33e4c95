/** Files that an application has open and that have no name any more when a copy begins. */
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { Pair, shows } from "./pair.ts";

/** `a` serves alone and has such a file open. */
async function alone(t: ExecutionContext): Promise<{ pair: Pair; fd: number }> {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	await Promise.all([a.open(), b.open()]);
	await a.ask({ order: "serve", term: 5, alone: true }, "serving");
	const fd = openSync(join(a.dir, "nameless"), "w");
	writeSync(fd, "before the copy");
	unlinkSync(join(a.dir, "nameless"));
	return { pair, fd };
}

async function end(t: ExecutionContext, { a, b, ...pair }: Pair, differences: () => string[]): Promise<void> {
	t.false(
		b.facts.some((fact) => fact.fact === "applyFailed"),
		b.story(),
	);
	await a.ask({ order: "seal" }, "sealed");
	for (const node of [b, a]) await node.ask({ order: "close" }, "closed");
	t.deepEqual(differences(), []);
	for (const node of [a, b]) t.deepEqual(readdirSync(join(node.dir, ".opensafe", "open")), [], `${Object.keys(pair)}`);
}

for (const outcome of ["NEW", "SERVING"] as const) {
	test.serial(`it is written and closed after the copy, ${outcome}`, async (t) => {
		const { pair, fd } = await alone(t);
		const { a, b } = pair;
		await pair.join(a, b, outcome);
		writeSync(fd, " and after it");
		fsyncSync(fd);
		closeSync(fd);
		writeFileSync(join(a.dir, "last"), "x");
		t.true(await shows(join(b.dir, "last"), "x"), b.story());
		await end(t, pair, () => pair.differences());
	});
}

test.serial("it is taken along by a second copy, after the first one's target died", async (t) => {
	const { pair, fd } = await alone(t);
	const { a, b } = pair;
	await pair.join(a, b, "NEW");
	const from = a.facts.length;
	await b.kill();
	await a.until("peerLost", from);
	await a.ask({ order: "sync" }, "synchronised");
	pair.term += 10;
	await a.ask({ order: "goAlone", term: pair.term }, "alone");
	writeSync(fd, " while alone");
	b.facts = [];
	await b.open();
	await pair.join(a, b, "SERVING");
	t.is(readdirSync(join(pair.root, "b", "data")).length, 0);
	writeSync(fd, " and after it");
	closeSync(fd);
	writeFileSync(join(a.dir, "last"), "x");
	t.true(await shows(join(b.dir, "last"), "x"), b.story());
	t.false(existsSync(join(b.dir, "nameless")));
	await end(t, pair, () => pair.differences());
});
