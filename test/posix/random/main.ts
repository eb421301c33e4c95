/**
 * The random test by hand: `node test/posix/random/main.ts --seed 7 --operations 20000 [--shrink]`. Prints what
 * differs and the last steps before it; exit 1 then.
 */
import { parseArgs } from "node:util";
import { countsOf, runRandom } from "./driver.ts";
import { shrink } from "./shrink.ts";
import { mountedSubject } from "./subjects.ts";

const { values } = parseArgs({
	options: {
		seed: { type: "string", default: "1" },
		operations: { type: "string", default: "20000" },
		every: { type: "string", default: "2000" },
		shrink: { type: "boolean", default: false },
	},
});
const say = (text: string) => process.stdout.write(`${text}\n`);
const options = {
	seed: Number(values.seed),
	operations: Number(values.operations),
	compareEvery: Number(values.every),
};
const subject = await mountedSubject();
const began = performance.now();
const result = await runRandom(subject, options);
const perSecond = Math.round(result.operations / ((performance.now() - began) / 1000));
if (result.difference === null) await subject.end();
subject.clean();
say(countsOf(result));
say(`seed ${options.seed}: ${result.operations} operations, ${perSecond}/s`);
if (result.difference !== null) {
	say(result.difference);
	if (values.shrink) say(await shrink(options, result));
	process.exitCode = 1;
}
