/** The two commands of the README on a machine that holds only Node 20, npm and git; no other command first. */
import test from "ava";
import { FreshMachine } from "./freshMachine.ts";

const minute = 60_000;
/** Timeout of the demo's heartbeats plus 2 s. */
const failoverWithinMs = 4000;

const reason = FreshMachine.whyNot();
const freshTest = reason === null ? test.serial : test.serial.skip;

freshTest(`demo and tests on a fresh machine${reason === null ? "" : ` (skipped: ${reason})`}`, async (t) => {
	t.timeout(120 * minute);
	const machine = await FreshMachine.make();
	try {
		const demo = await machine.run("npm run demo -- --once --json", 15 * minute);
		t.is(demo.code, 0, demo.all.slice(-5000));
		const result = lastObject(demo.stdout);
		t.is(result.lostWrites, 0);
		t.true((result.acknowledgedWrites ?? 0) > 100);
		t.true((result.failoverMs ?? Number.POSITIVE_INFINITY) <= failoverWithinMs, `${result.failoverMs} ms`);

		const sabotaged = await machine.run("npm run demo -- --once --json --sabotage early-ack", 15 * minute);
		t.is(sabotaged.code, 1, sabotaged.all.slice(-5000));
		t.true((lastObject(sabotaged.stdout).lostWrites ?? 0) > 0);

		const tests = await machine.run("npm test", 80 * minute);
		t.is(tests.code, 0, tests.all.slice(-20_000));
		t.log(tests.stdout.trim().split("\n").at(-1));
	} finally {
		await machine.remove();
	}
});

function lastObject(stdout: string): Record<string, number> {
	const line = stdout.split("\n").findLast((each) => each.startsWith("{"));
	return JSON.parse(line ?? "{}");
}
