/**
 * Marks and what is compared by them, with real processes: a pair that is separated in every way, again and again.
 * Only what is marked is compared, the trees are equal by full comparison, and no marks are left.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { random } from "./churn.ts";
import { Pair } from "./pair.ts";
import { Rounds, type Separation } from "./rounds.ts";

const first = Number(process.env.SEED ?? 1);
const seeds = Array.from({ length: Number(process.env.SEEDS ?? 2) }, (_, index) => first + index);

const every: Separation[] = [
	"secondary stops",
	"secondary killed",
	"link cut",
	"primary killed",
	"both killed",
	"primary killed, secondary leads",
	"swap",
];

for (const seed of seeds) {
	test.serial(`separated in every way, one after the other (seed ${seed})`, async (t) => {
		const next = random(seed);
		const rounds = await Rounds.make(t, next);
		const order = every.map((how) => ({ how, at: next() })).sort((a, b) => a.at - b.at);
		for (const { how } of order) {
			await rounds.separate(how);
			await rounds.meet();
			t.deepEqual(await rounds.differences(), [], `seed ${seed}, after: ${how}\n${rounds.story()}`);
			t.deepEqual(await rounds.marked([rounds.secondary]), [], `seed ${seed}, after: ${how}\n${rounds.story()}`);
		}
		t.deepEqual(await rounds.marked([rounds.primary, rounds.secondary]), [], rounds.story());
		t.log(rounds.said.join("\n"));
		await rounds.close();
	});
}

test.serial("negative control: without marks what was changed meanwhile is not found", async (t) => {
	process.env.OPENSAFE_SABOTAGE = "no-marks";
	t.teardown(() => delete process.env.OPENSAFE_SABOTAGE);
	const pair = await Pair.make(t);
	const { a, b } = pair;
	await pair.up();
	await b.ask({ order: "close" }, "closed");
	await a.until("peerLost");
	await a.ask({ order: "sync" }, "synchronised");
	pair.term += 10;
	await a.ask({ order: "goAlone", term: pair.term }, "alone");
	writeFileSync(join(a.dir, "new"), "alone");
	await b.open();
	await pair.join(a, b, "PEER_BEHIND");
	for (const node of [a, b]) await node.ask({ order: "close" }, "closed");
	t.regex(pair.differences().join(), /new: only in/);
});
