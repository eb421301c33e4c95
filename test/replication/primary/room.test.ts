/**
 * `iotimeout` (spec/06 §2): changes that find no room in what is on its way to the peer. A real link whose oldest change
 * is answered in time and that still has no room for so long cannot be had at will, so time and link are given here.
 */
import test from "ava";
import type { Context, Volume } from "../../../core/replication/control/context.ts";
import type { Channel } from "../../../core/replication/link/channel.ts";
import { Primary } from "../../../core/replication/primary/primary.ts";
import { maxSendBytes } from "../../../core/replication/wire/limits.ts";

interface Waiting {
	atMs: number;
	run: () => void;
}

/** A primary in a complete session, its clock, and what its link has not sent yet. */
function make(times: { lockTimeoutMs: number; ioTimeoutMs: number }) {
	const world = { nowMs: 0, queuedBytes: 0, unparked: 0, late: [] as string[] };
	let timers: Waiting[] = [];
	const timer = (ms: number, run: () => void) => {
		const waiting = { atMs: world.nowMs + ms, run };
		timers.push(waiting);
		const cancel = (): void => {
			timers = timers.filter((each) => each !== waiting);
		};
		return { cancel };
	};
	const everySecond = (run: () => void) => {
		const again = (): { cancel(): void } =>
			timer(1000, () => {
				waiting = again();
				run();
			});
		let waiting = again();
		return { cancel: () => waiting.cancel() };
	};
	const context = {
		config: { ...times, nodeIndex: 0 },
		loop: { now: () => world.nowMs, timer, everySecond },
		volumes: [],
		fact: () => {},
		unpark: () => world.unparked++,
	} as unknown as Context;
	const primary = new Primary(context, false);
	primary.onLate = (why) => world.late.push(why);
	primary.servePaired(1);
	primary.pair({
		get queuedBytes() {
			return world.queuedBytes;
		},
	} as Channel);
	const { gate } = primary.sink({ marks: null } as unknown as Volume);
	/** Lets time go by, with a change that wants to be taken every so often. */
	const pass = (ms: number, everyMs = 100): void => {
		for (const endMs = world.nowMs + ms; world.nowMs < endMs; ) {
			world.nowMs += everyMs;
			const due = timers.filter(({ atMs }) => atMs <= world.nowMs);
			timers = timers.filter((each) => !due.includes(each));
			for (const { run } of due) run();
			gate();
		}
	};
	return { world, gate, pass };
}

const times = { lockTimeoutMs: 100_000, ioTimeoutMs: 3000 };

test("changes that find no room for iotimeout end the session, and not before", (t) => {
	const { world, gate, pass } = make(times);
	t.is(gate(), 0);
	world.queuedBytes = maxSendBytes + 1;
	t.is(gate(), "park");
	pass(2900);
	t.deepEqual(world.late, []);
	pass(1500);
	t.regex(world.late[0] ?? "", /^changes have waited for room for 3000 ms$/);
});

test("room in between counts: the time begins anew", (t) => {
	const { world, gate, pass } = make(times);
	for (let n = 0; n < 5; n++) {
		world.queuedBytes = maxSendBytes + 1;
		pass(2000);
		t.is(gate(), "park");
		world.queuedBytes = 0;
		const before = world.unparked;
		pass(200);
		t.true(world.unparked > before, "what waited is taken");
		t.is(gate(), 0);
	}
	t.deepEqual(world.late, []);
});

test("negative control: with the default iotimeout the same wait is borne", (t) => {
	const { world, pass } = make({ lockTimeoutMs: 100_000, ioTimeoutMs: 300_000 });
	world.queuedBytes = maxSendBytes + 1;
	pass(60_000);
	t.deepEqual(world.late, []);
});
