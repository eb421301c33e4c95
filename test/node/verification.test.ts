import test from "ava";
import type { Verdict } from "../../core/cli/control.ts";
import { Verification } from "../../core/node/verification.ts";

const equal: Verdict = { differences: [], count: 0, files: 7, bytes: 1000 };

/** Two servers whose pulses reach each other at once. `answer`: what the primary's process says. */
function servers(answer: () => Promise<Verdict>, hears = true) {
	const resources: Record<string, string>[] = [{}, {}];
	const lines: string[] = [];
	let calls = 0;
	const make = (own: number, other: number): Verification =>
		new Verification({
			verify: () => {
				calls++;
				return answer();
			},
			peerResource: (name) => resources[other]![name],
			setResource: (name, value) => {
				resources[own]![name] = value;
				if (hears) both[other]?.hear(resources[own]!);
			},
			log: (level, text) => lines.push(`${level} ${text}`),
			isFollowing: () => following,
		});
	let following = true;
	const both: Verification[] = [];
	both.push(make(0, 1), make(1, 0));
	for (const [index, each] of both.entries()) each.hear(resources[1 - index]!);
	return {
		primary: both[0]!,
		secondary: both[1]!,
		resources,
		lines,
		calls: () => calls,
		lose: () => (following = false),
	};
}

const signal = new AbortController().signal;

test("the secondary's question is answered by the primary, which says in its log what differs", async (t) => {
	const found = { differences: ["/data/a", "/data/b"], count: 1200, files: 5000, bytes: 123 };
	const { secondary, lines } = servers(async () => found);
	t.deepEqual(await secondary.ask(1000, signal), { ...found, differences: null });
	t.deepEqual(lines, [
		"E Verification: 5000 files compared, 1200 paths differ",
		"E Different: /data/a",
		"E Different: /data/b",
	]);
});

test("each question is answered once, and one from before the start of the daemon not at all", async (t) => {
	const { primary, secondary, resources, calls } = servers(async () => equal);
	await secondary.ask(1000, signal);
	primary.hear(resources[1]!);
	t.is(calls(), 1);
	const restarted = servers(async () => equal);
	restarted.primary.hear({ "rfs.verify_asked": "old" });
	t.is(restarted.calls(), 1, "the first pulse of this daemon carried no question, so this one is new");
	await restarted.secondary.ask(2000, signal);
	t.is(restarted.calls(), 2);
});

test("a refusal, a lost session and an interruption end the secondary's wait", async (t) => {
	const refusing = servers(() => Promise.reject(new Error("there is no complete session")));
	await t.throwsAsync(refusing.secondary.ask(1, signal), { message: /there is no complete session/ });
	const lost = servers(() => new Promise(() => {}));
	const waiting = lost.secondary.ask(1, signal);
	lost.lose();
	await t.throwsAsync(waiting, { message: /not the secondary any more/ });
	const away = new AbortController();
	const interrupted = servers(() => new Promise(() => {})).secondary.ask(1, away.signal);
	away.abort();
	await t.throwsAsync(interrupted, { message: /interrupted/ });
});
