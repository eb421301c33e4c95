/** A first copy while the application goes on, after copies that were interrupted: equal, by full comparison. */
import test from "ava";
import { randomChange } from "./application.ts";
import { random } from "./churn.ts";
import { TwoTrees } from "./inProcess.ts";

const first = Number(process.env.SEED ?? 1);
const seeds = Array.from({ length: Number(process.env.SEEDS ?? 6) }, (_, index) => first + index);

for (const seed of seeds) {
	test(`everything is copied while it is changed (seed ${seed})`, (t) => {
		const next = random(seed * 7919);
		const trees = new TwoTrees(t);
		const { application, primary } = trees.source;
		application.remembers = seed % 3 !== 0;
		for (let n = 0; n < 250; n++) randomChange(application, next);
		for (let cuts = Math.floor(next() * 3); cuts > 0; cuts--) {
			trees.begin(true);
			for (let n = Math.floor(next() * 400); n > 0 && trees.broken === null; n--) {
				if (next() < 0.2) randomChange(application, next);
				trees.step();
			}
			if (trees.complete) primary.goAlone(10 + cuts);
		}
		trees.begin(true);
		let live = 250;
		trees.finish(() => {
			if (live > 0 && next() < 0.3) {
				live--;
				randomChange(application, next);
			}
		});
		for (let n = 0; n < 60; n++) randomChange(application, next);
		trees.finish();
		t.deepEqual(trees.differences(), [], `seed ${seed}`);
	});
}
