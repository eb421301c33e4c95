/** The escape suite: no hostile checker reaches anything that it was not given, and each is down with a reason. */
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { makeSandbox } from "../sandbox.fixture.ts";
import { devouring } from "./devouring.ts";
import { exhausting } from "./exhausting.ts";
import { reaching } from "./reaching.ts";

const it = makeSandbox();
test.after.always(() => it.close());

for (const { tries, does, times, permissions, reason } of [...reaching, ...exhausting, ...devouring]) {
	// One after the other: what one does to the process must not count for the next.
	test.serial(`hostile: ${tries}`, async (t) => {
		const more = { ...(permissions === undefined ? {} : { permissions }) };
		let outcome = await it.once(does, { times: times ?? '{ timeout: "60s" }', ...more });
		// One that was there before may have taken the process with it: then it is tried again, as a checker is.
		while (outcome.state === "unknown") {
			await sleep(200);
			outcome = await it.once(does, { times: times ?? '{ timeout: "60s" }', ...more });
		}
		t.is(outcome.state, "down", outcome.reason);
		t.regex(outcome.reason, reason);
		t.true(outcome.reason.length <= 500 && outcome.logs.length <= 20);
		t.true(outcome.logs.every((line) => line.length <= 500));
	});
}

test.serial("after all of them a checker that means well runs as before", async (t) => {
	let { state } = await it.once("return up();");
	while (state === "unknown") {
		await sleep(200);
		state = (await it.once("return up();")).state;
	}
	t.is(state, "up");
});
