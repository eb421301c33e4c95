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
		const change = () => void randomChange(application, next);
		for (let n = 0; n < 250; n++) change();
		const begin = () => {
			if (trees.complete) primary.goAlone(10);
			trees.begin(true);
		};
		trees.interrupted(next, { begin, change, most: 400, often: 0.2 });
		begin();
		trees.finishUnder(next, change, 250);
		t.deepEqual(trees.differences(), [], `seed ${seed}`);
	});
}
