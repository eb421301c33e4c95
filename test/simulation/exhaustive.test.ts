/**
 * Small cases, all of them: two nodes and a witness, six events, in every order, close together and far apart. What a
 * seed may never draw is here for certain.
 */
import test from "ava";
import type { Fault, Shape } from "./faults.ts";
import { allRules } from "./rules.ts";
import { runSeed } from "./run.ts";

type Happening = Omit<Fault, "atMs"> extends infer F ? F : never;

/** Long enough for either node to notice, to decide and to serve before the next comes. */
const gapsMs = [150, 3_000];

const power = (node: 0 | 1, forMs: number): Happening => ({ do: "powerLoss", node, forMs }) as Happening;
const cases: { name: string; shape: Partial<Shape>; events: Happening[] }[] = [
	{
		name: "with a lease witness",
		shape: { guard: "lease", lans: 2, async: "second" },
		events: [
			power(0, 2_500),
			power(1, 4_000),
			{ do: "cutAll", node: 0, forMs: 5_000 } as Happening,
			{ do: "witnessCut", node: 1, forMs: 3_500 } as Happening,
			{ do: "killReplication", node: 1, forMs: 0 } as Happening,
			{ do: "command", node: 0, forMs: 0, command: "swap" } as Happening,
		],
	},
	{
		name: "without a witness, networks cut one at a time",
		shape: { guard: "none", lans: 2, async: "second" },
		events: [
			power(0, 2_500),
			power(1, 4_000),
			{ do: "cut", node: 0, forMs: 5_000, lan: 1, ways: 2 } as Happening,
			{ do: "slowDisk", node: 0, forMs: 4_000 } as Happening,
			{ do: "killReplication", node: 1, forMs: 0 } as Happening,
			{ do: "command", node: 0, forMs: 0, command: "stopstart" } as Happening,
		],
	},
];

function* orders<T>(items: readonly T[]): Generator<T[]> {
	if (items.length === 0) yield [];
	for (const [i, first] of items.entries()) {
		for (const rest of orders(items.filter((_, index) => index !== i))) yield [first, ...rest];
	}
}

for (const { name, shape, events } of cases) {
	test(`every order of six events ${name}`, (t) => {
		t.timeout(240_000);
		let runs = 0;
		for (const gapMs of gapsMs) {
			for (const order of orders(events)) {
				const faults = order.map((event, i) => ({ ...event, atMs: 9_000 + i * gapMs }) as Fault);
				const whole: Shape = {
					lans: 2,
					async: "second",
					guard: "lease",
					replicated: true,
					defaultprim: "alone",
					failover: true,
					runMs: 9_000,
					...shape,
				};
				const { violations } = runSeed(1, allRules, { faults, shape: whole });
				runs++;
				if (violations.length > 0) {
					t.deepEqual(violations, [], `${gapMs} ms apart: ${JSON.stringify(order)}`);
					return;
				}
			}
		}
		t.is(runs, 2 * 720);
	});
}
