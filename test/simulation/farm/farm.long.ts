import test from "ava";
import { planOf } from "./plan.ts";
import { simulateFarms } from "./run.ts";

for (const nodes of [2, 3, 4, 5]) {
	test(`thousands of farms of ${nodes}`, (t) => {
		t.timeout(3_600_000);
		t.deepEqual(simulateFarms({ runs: 3000, seed: 100_000 * nodes, taste: { nodes } }), []);
		t.is(planOf(1, { nodes }).nodes, nodes);
	});
}

test("farms of all sizes", (t) => {
	t.timeout(3_600_000);
	t.deepEqual(simulateFarms({ runs: 3000, seed: 1_000_000 }), []);
	t.deepEqual(simulateFarms({ runs: 1000, seed: 2_000_000, taste: { connected: true } }), []);
});

test("farms of sixteen", (t) => {
	t.timeout(3_600_000);
	t.deepEqual(simulateFarms({ runs: 200, seed: 3_000_000, taste: { nodes: 16 } }), []);
});
