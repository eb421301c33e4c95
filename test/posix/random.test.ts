/**
 * Random operations by several processes, on the mount and natively: every result must be the same, and now and then
 * all of the three trees. A failing run names its seed, and the fewest steps that still fail;
 * `npm test -- test/posix/random.test.ts` with SEED=… in the environment repeats it.
 */
import test from "ava";
import { runRandom } from "./random/driver.ts";
import { kinds } from "./random/kinds.ts";
import { shrink } from "./random/shrink.ts";
import { mountedSubject } from "./random/subjects.ts";

const given = process.env.SEED;
const seeds = given === undefined ? [1, 2] : [Number(given)];
const operations = Number(process.env.OPERATIONS ?? 3200);

test("there are at least 60 kinds of operation", (t) => {
	t.true(new Set(kinds.map((kind) => kind.name)).size >= 60);
	t.is(new Set(kinds.map((kind) => kind.name)).size, kinds.length);
});

for (const seed of seeds) {
	test.serial(`random operations give the same results and the same trees (seed ${seed})`, async (t) => {
		t.timeout(600_000);
		const subject = await mountedSubject();
		t.teardown(() => subject.clean());
		const options = { seed, operations, compareEvery: 800 };
		const result = await runRandom(subject, options);
		if (result.difference !== null) {
			t.log(await shrink(options, result));
			t.fail(`SEED=${seed} OPERATIONS=${result.at}: ${result.difference}`);
		}
		t.true(result.operations >= operations);
		await subject.end();
	});
}
