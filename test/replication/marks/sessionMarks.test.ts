/** When marks of a session may go: only by an answer to the very checkpoint that waits for one. */
import test from "ava";
import type { Context } from "../../../core/replication/control/context.ts";
import { Disks } from "../../../core/replication/control/disks.ts";
import { SessionMarks } from "../../../core/replication/marks/sessionMarks.ts";

/** A primary with one marked directory: its timers fire when the test says so, and it counts what goes. */
function primary(disks: object) {
	const timers: (() => void)[] = [];
	const counted = { pruned: 0 };
	const marks = { turn: () => {}, prune: () => counted.pruned++, size: 1, chunks: 1 };
	const context = {
		volumes: [{ marks, tree: { rootFd: 0 } }],
		records: { now: { checkpoint: { own: 0, peer: 0 } } },
		loop: {
			now: () => 0,
			timer: (_: number, run: () => void) => ({ cancel: () => timers.splice(0), made: timers.push(run) }),
		},
		disks,
	} as unknown as Context;
	return { context, counted, tick: () => timers.splice(0).forEach((run) => void run()) };
}

test("a late answer to a checkpoint that a cut link ended takes no marks away", (t) => {
	const sent: number[] = [];
	const { context, counted, tick } = primary({ failures: 0, failure: () => 0, sync: (done: () => void) => done() });
	const session = new SessionMarks(context, 1, {
		send: (message) => void (message.is === "checkpoint" && sent.push(message.number)),
		record: () => true,
		syncFailed: () => t.fail(),
	});
	session.finish();
	session.complete();
	t.is(counted.pruned, 1, "what the session compared");
	tick();
	t.is(sent.length, 1);
	session.stop(false);
	session.resume();
	tick();
	t.is(sent.length, 2);
	session.answered(sent[0]!);
	t.is(counted.pruned, 1, "the other server may have applied nothing of what came after the cut");
	session.answered(sent[1]!);
	t.is(counted.pruned, 2);
	session.stop(true);
});

test("a sync that fails while the link is cut fails the session that goes on; marks of before it stay for ever", (t) => {
	const jobs: ((result: number) => void)[] = [];
	const failures: number[] = [];
	let sent = 0;
	const run = (_: object, done: (result: number) => void) => void jobs.push(done);
	const { context, counted, tick } = primary(new Disks([{ rootFd: 0 } as never], { run }, () => {}));
	const begin = (): SessionMarks => {
		const session = new SessionMarks(context, 1, {
			send: (message) => void (message.is === "checkpoint" && sent++),
			record: () => true,
			syncFailed: (result) => void failures.push(result),
		});
		session.finish();
		session.complete();
		jobs.shift()!(0);
		return session;
	};
	const session = begin();
	t.is(counted.pruned, 1);
	tick();
	t.is(sent, 1);
	session.stop(false);
	jobs.shift()!(-5);
	t.deepEqual(failures, []);
	session.resume();
	tick();
	jobs.shift()!(0);
	t.deepEqual(failures, [-5]);
	session.stop(true);
	// The next session copies all of it to the other server; this disk may lack it all the same.
	begin();
	t.is(counted.pruned, 1);
	t.deepEqual(failures, [-5]);
});
