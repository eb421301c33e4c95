import test from "ava";
import fc from "fast-check";
import { buckets } from "../../../core/engine/farm/group.ts";
import { ownersOf, rankings } from "../../../core/engine/farm/shares.ts";

const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `server${n + 1}`);
const counted = (owners: readonly (number | null)[], node: number): number =>
	owners.filter((owner) => owner === node).length;
const powers = (nodes: readonly string[], values: readonly number[]): Record<string, number> =>
	Object.fromEntries(nodes.map((name, n) => [name, values[n] ?? 1]));

/** Some nodes with powers, and which of them are open before and after. */
const farms = fc.integer({ min: 1, max: 16 }).chain((count) =>
	fc.record({
		nodes: fc.constant(names(count)),
		values: fc.array(fc.constantFrom(0, 1, 1, 1, 2, 3, 32, 64, 100, 4096), { minLength: count, maxLength: count }),
		before: fc.array(fc.boolean(), { minLength: count, maxLength: count }),
		after: fc.array(fc.boolean(), { minLength: count, maxLength: count }),
	}),
);

test("each bucket has exactly one owner, an open one with the right to it", (t) => {
	fc.assert(
		fc.property(farms, ({ nodes, values, before }) => {
			const owners = ownersOf(rankings(nodes, { name: "g", powers: powers(nodes, values) }), (n) => before[n] === true);
			t.is(owners.length, buckets);
			const open = values.filter((power, n) => before[n] && power > 0);
			const top = Math.max(0, ...open);
			for (const owner of owners) {
				if (owner === null) {
					t.is(open.length, 0);
					continue;
				}
				t.true(before[owner]);
				t.true((values[owner] as number) * 64 > top, "a power of 64 times less gets nothing");
			}
		}),
		{ numRuns: 50 },
	);
});

test("a change moves only buckets of those who came or went", (t) => {
	fc.assert(
		fc.property(farms, ({ nodes, values, before, after }) => {
			const ranked = rankings(nodes, { name: "g", powers: powers(nodes, values) });
			const old = ownersOf(ranked, (n) => before[n] === true);
			const now = ownersOf(ranked, (n) => after[n] === true);
			for (const [bucket, from] of old.entries()) {
				const to = now[bucket] ?? null;
				if (from === to || from === null || to === null) continue;
				t.true(!after[from] || !before[to], `bucket ${bucket} moved from ${from} to ${to}, which both stayed`);
			}
		}),
		{ numRuns: 50 },
	);
});

test("shares follow the powers to one bucket, and what one leaves is spread alike", (t) => {
	for (const [values, expected] of [
		[
			[1, 1],
			[128, 128],
		],
		[
			[1, 1, 1, 1],
			[64, 64, 64, 64],
		],
		[
			[3, 1],
			[192, 64],
		],
		[
			[2, 1, 1],
			[128, 64, 64],
		],
		[
			[1, 0],
			[256, 0],
		],
		[
			[4096, 64, 1],
			[256, 0, 0],
		],
	] as const) {
		const nodes = names(values.length);
		const ranked = rankings(nodes, { name: "g", powers: powers(nodes, values) });
		const owners = ownersOf(ranked, () => true);
		t.deepEqual(
			values.map((_, n) => counted(owners, n)),
			[...expected],
			values.join(" "),
		);
	}
	for (let count = 2; count <= 16; count++) {
		const nodes = names(count);
		const ranked = rankings(nodes, { name: "g", powers: {} });
		for (let gone = -1; gone < count; gone++) {
			const owners = ownersOf(ranked, (n) => n !== gone);
			const even = buckets / (gone < 0 ? count : count - 1);
			for (let n = 0; n < count; n++) {
				if (n !== gone)
					t.true(Math.abs(counted(owners, n) - even) <= (gone < 0 ? 1 : 3), `${count} nodes without ${gone}`);
			}
		}
	}
});

test("powers of 64 make a chain: the next level serves only when the one before is gone", (t) => {
	const nodes = names(4);
	const ranked = rankings(nodes, { name: "g", powers: powers(nodes, [4096, 64, 64, 1]) });
	const loads = (...open: number[]): number[] => {
		const owners = ownersOf(ranked, (n) => open.includes(n));
		return nodes.map((_, n) => counted(owners, n));
	};
	t.deepEqual(loads(0, 1, 2, 3), [256, 0, 0, 0]);
	t.deepEqual(loads(1, 2, 3), [0, 128, 128, 0]);
	t.deepEqual(loads(2, 3), [0, 0, 256, 0]);
	t.deepEqual(loads(3), [0, 0, 0, 256]);
});

test("a client meets the same server in all groups with the same powers", (t) => {
	const nodes = names(5);
	const one = ownersOf(rankings(nodes, { name: "web", powers: { server2: 3 } }), () => true);
	const two = ownersOf(rankings(nodes, { name: "mail", powers: { server2: 3, server5: 1 } }), () => true);
	t.deepEqual(one, two);
});
