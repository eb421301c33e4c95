/** Only what one of the two nodes has marked is compared; afterwards the trees are equal, by full comparison. */
import test, { type ExecutionContext } from "ava";
import { randomChange } from "./application.ts";
import { random } from "./churn.ts";
import { TwoTrees } from "./inProcess.ts";

const seeds = Array.from(
	{ length: Number(process.env.SEEDS ?? 12) },
	(_, index) => Number(process.env.SEED ?? 1) + index,
);

function changes(trees: TwoTrees, side: "source" | "target", next: () => number, count: number): void {
	for (let n = 0; n < count; n++) randomChange(trees[side].application, next);
}

/** Two equal trees without marks. */
function equal(t: ExecutionContext, next: () => number): TwoTrees {
	const trees = new TwoTrees(t);
	changes(trees, "source", next, 250);
	trees.begin(true);
	trees.finish();
	trees.source.primary.goAlone(3);
	trees.checkpoint();
	return trees;
}

for (const seed of seeds) {
	test(`changes on both sides while separated, and while they are compared (seed ${seed})`, (t) => {
		const next = random(seed);
		const trees = equal(t, next);
		t.deepEqual(trees.differences(), []);
		trees.target.primary.serveAlone(4);
		trees.source.primary.serveAlone(5);
		trees.source.application.remembers = seed % 3 !== 0;
		changes(trees, "source", next, Math.floor(next() * 60));
		changes(trees, "target", next, Math.floor(next() * 60));
		for (let cuts = Math.floor(next() * 3); cuts > 0; cuts--) {
			trees.begin(false);
			for (let n = Math.floor(next() * 200); n > 0 && trees.broken === null; n--) {
				if (next() < 0.1) changes(trees, "source", next, 1);
				trees.step();
			}
		}
		trees.begin(false);
		let live = 150;
		trees.finish(() => {
			if (live > 0 && next() < 0.3) {
				live--;
				changes(trees, "source", next, 1);
			}
		});
		changes(trees, "source", next, 60);
		trees.finish();
		t.deepEqual(trees.differences(), [], `seed ${seed}`);
	});
}
