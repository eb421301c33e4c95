import test from "ava";
import { randomChange } from "./application.ts";
import { random } from "./churn.ts";
import { TwoTrees } from "./inProcess.ts";
const first = Number(process.env.SEED ?? 1), count = Number(process.env.SEEDS ?? 12);
for (let seed = first; seed < first + count; seed++) {
	test.serial(`everything with live changes (seed ${seed})`, async (t) => {
		await new Promise((r) => setTimeout(r, 0));
		const next = random(seed * 7919);
		const trees = new TwoTrees(t);
		(trees as any).trace = process.env.TRACE ? [] : null;
		(trees.source.application as any).trace = (trees as any).trace;
		const change = (n: number) => { for (let i = 0; i < n; i++) randomChange(trees.source.application, next); };
		trees.source.application.remembers = seed % 3 !== 0;
		change(250);
		for (let cuts = Math.floor(next() * 3); cuts > 0; cuts--) {
			trees.begin(true);
			for (let n = Math.floor(next() * 400); n > 0 && trees.broken === null; n--) {
				if (next() < 0.2) change(1);
				trees.step();
			}
		}
		if ((trees as any).trace) (trees as any).trace.push('BEGIN LAST');
		trees.begin(true);
		let live = 250;
		try { trees.finish(() => { if (live > 0 && next() < 0.3) { live--; change(1); } }); } catch (e) { if ((trees as any).trace) (await import('node:fs')).writeFileSync('/tmp/trace.txt', (trees as any).trace.join('\n')); throw e; }
		change(60);
		trees.finish();
		t.deepEqual(trees.differences(), [], `seed ${seed}`);
	});
}
