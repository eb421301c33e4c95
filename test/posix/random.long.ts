/**
 * A million random operations between two real servers without a difference in result, content or metadata. One seed
 * for each day, so that no two days test the same; SEED=… repeats one, OPERATIONS=… asks for fewer.
 */
import test from "ava";
import { countsOf, runRandom } from "./random/driver.ts";
import { shrink } from "./random/shrink.ts";
import { pairSubject } from "./random/subjects.ts";

const seed = Number(process.env.SEED ?? Math.floor(Date.now() / 86_400_000));
const operations = Number(process.env.OPERATIONS ?? 1_000_000);

test.serial(`${operations} random operations without a difference (seed ${seed})`, async (t) => {
	t.timeout(600_000);
	const subject = await pairSubject(t);
	// Each comparison is a sign of life.
	const onProgress = () => t.timeout(600_000);
	const options = { seed, operations, compareEvery: 4000, onProgress };
	const began = performance.now();
	const result = await runRandom(subject, options);
	t.log(countsOf(result));
	t.log(`${Math.round(result.operations / ((performance.now() - began) / 1000))} operations/s`);
	if (result.difference !== null) {
		t.log(await shrink(options, result));
		t.fail(`SEED=${seed} OPERATIONS=${result.at}: ${result.difference}`);
	}
	t.true(result.operations >= operations);
	await subject.end();
});
