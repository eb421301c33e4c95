/** The escape suite once more, by checkers that have behaved well before: they are trusted with the main thread then. */
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import type { HostedChecker } from "../../../core/sandbox/hosted.ts";
import type { Outcome } from "../../../core/sandbox/run.ts";
import { input, judgeOf, makeSandbox, outsideOf } from "../sandbox.fixture.ts";
import { devouring } from "./devouring.ts";
import { exhausting } from "./exhausting.ts";
import { reaching } from "./reaching.ts";

const it = makeSandbox();
test.after.always(() => it.close());

const brought = /brought down/;

async function run(checker: HostedChecker, state: object): Promise<Outcome> {
	for (;;) {
		const outcome = await checker.run({ ...input, state }, outsideOf(), judgeOf());
		if (outcome.state !== "unknown") return outcome;
		await sleep(200);
	}
}

for (const { tries, does, times, permissions, reason } of [...reaching, ...exhausting, ...devouring]) {
	if (typeof does !== "string" || times !== undefined || permissions !== undefined) continue;
	test.serial(`hostile after a while: ${tries}`, async (t) => {
		const bystander = it.add("return up();");
		const checker = it.add(`if (ctx.state.behaves) return up();\n${does}`);
		try {
			for (let runs = 0; runs < 3; runs++) {
				t.is((await run(bystander, {})).state, "up");
				t.is((await run(checker, { behaves: true })).state, "up");
			}
			const outcome = await run(checker, {});
			t.is(outcome.state, "down", outcome.reason);
			if (!brought.test(outcome.reason)) t.regex(outcome.reason, reason);
			t.is((await run(bystander, {})).state, "up");
			t.false(bystander.apart);
		} finally {
			checker.remove();
			bystander.remove();
		}
	});
}
