/** `reitimeout` and `reidetail` (spec/06 §2): a request that nobody answers, and what was done with each file. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { TwoTrees } from "./inProcess.ts";

const told = (trees: TwoTrees): string[] =>
	trees.source.logs.filter(
		(line) => line.startsWith(`${trees.source.dir}/`) || line.startsWith(`${trees.source.dir}:`),
	);

/** Time of the source only: it goes on by a twentieth of a millisecond with each look at the clock. */
function sourceAlone({ source }: TwoTrees, ms: number): void {
	const until = source.loop.now() + ms;
	while (source.loop.now() < until) source.loop.step();
}

test("a request that is not answered within reitimeout ends the session, and no sooner", (t) => {
	const trees = new TwoTrees(t);
	trees.source.context.config.resyncTimeoutMs = 2000;
	writeFileSync(join(trees.source.dir, "file"), "content");
	trees.begin(true);
	sourceAlone(trees, 1500);
	const late = /a request is not answered for 2000 ms \(reitimeout\)/;
	t.notRegex(trees.source.logs.join("\n"), late);
	sourceAlone(trees, 1500);
	t.regex(trees.source.logs.join("\n"), late);
	t.throws(() => trees.finish(), { message: late });
	// It begins again, and what was asked is answered.
	trees.begin(true);
	trees.finish();
	t.deepEqual(trees.differences(), []);
});

test("answers and receipts count anew, however long it takes in all", (t) => {
	const trees = new TwoTrees(t);
	trees.source.context.config.resyncTimeoutMs = 2000;
	for (let n = 0; n < 20; n++) {
		mkdirSync(join(trees.source.dir, `d${n}`));
		writeFileSync(join(trees.source.dir, `d${n}`, "file"), Buffer.alloc(200_000, `content ${n}`));
	}
	trees.begin(true);
	const from = trees.source.loop.now();
	trees.finish(() => sourceAlone(trees, 500));
	t.true(trees.source.loop.now() - from > 4000);
	t.deepEqual(trees.differences(), []);
});

test("reidetail tells what is done with each directory and file, and only while it is on", (t) => {
	const trees = new TwoTrees(t);
	const { source, target } = trees;
	source.context.config.resyncDetail = true;
	mkdirSync(join(source.dir, "below"));
	writeFileSync(join(source.dir, "below", "small"), "content");
	writeFileSync(join(source.dir, "large"), Buffer.alloc(300_000, "x"));
	trees.begin(true);
	trees.finish();
	t.deepEqual(told(trees).sort(), [
		`${source.dir}/below/small: is sent, 7 bytes`,
		`${source.dir}/below: is compared`,
		`${source.dir}/large: is updated, 300000 bytes`,
		`${source.dir}: is compared`,
	]);
	source.logs.length = 0;
	writeFileSync(join(target.dir, "large"), "y", { flag: "r+" });
	trees.begin(true);
	trees.finish();
	const again = told(trees);
	t.true(
		again.some((line) => /\/large: is updated, \d+ bytes$/.test(line)),
		again.join("\n"),
	);
	t.true(again.includes(`${source.dir}/below/small: has the same content`), again.join("\n"));
	source.logs.length = 0;
	source.context.config.resyncDetail = false;
	trees.begin(true);
	trees.finish();
	t.deepEqual(told(trees), []);
});
