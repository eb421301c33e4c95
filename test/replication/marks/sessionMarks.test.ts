/** When marks of a session may go: only by an answer to the very checkpoint that waits for one. */
import test from "ava";
import type { Context } from "../../../core/replication/control/context.ts";
import { Disks } from "../../../core/replication/control/disks.ts";
import { SessionMarks } from "../../../core/replication/marks/sessionMarks.ts";

test("a late answer to a checkpoint that a cut link ended takes no marks away", (t) => {
	const timers: (() => void)[] = [];
	const sent: number[] = [];
	let pruned = 0;
	const marks = { turn: () => {}, prune: () => pruned++, size: 1, chunks: 1 };
	const context = {
		volumes: [{ marks, tree: { rootFd: 0 } }],
		records: { now: { checkpoint: { own: 0, peer: 0 } } },
		loop: {
			now: () => 0,
			timer: (_: number, run: () => void) => ({ cancel: () => timers.splice(0), made: timers.push(run) }),
		},
		disks: { failures: 0, failure: () => 0, sync: (done: () => void) => done() },
	} as unknown as Context;
	const session = new SessionMarks(context, 1, {
		send: (message) => void (message.is === "checkpoint" && sent.push(message.number)),
		record: () => true,
		syncFailed: () => t.fail(),
	});
	session.finish();
	session.complete();
	t.is(pruned, 1, "what the session compared");
	const tick = () => timers.splice(0).forEach((run) => void run());

	tick();
	t.is(sent.length, 1);
	session.stop(false);
	session.resume();
	tick();
	t.is(sent.length, 2);
	session.answered(sent[0]!);
	t.is(pruned, 1, "the other server may have applied nothing of what came after the cut");
	session.answered(sent[1]!);
	t.is(pruned, 2);
	session.stop(true);
});

test("a sync that fails while the link is cut fails the session that goes on; marks of before it stay for ever", (t) => {
	const timers: (() => void)[] = [];
	const jobs: ((result: number) => void)[] = [];
	const failures: number[] = [];
	let [pruned, sent] = [0, 0];
	const marks = { turn: () => {}, prune: () => pruned++, size: 1, chunks: 1 };
	const context = {
		volumes: [{ marks, tree: { rootFd: 0 } }],
		records: { now: { checkpoint: { own: 0, peer: 0 } } },
		loop: {
			now: () => 0,
			timer: (_: number, run: () => void) => ({ cancel: () => timers.splice(0), made: timers.push(run) }),
		},
		disks: new Disks([{ rootFd: 0 } as never], { run: (_, done) => void jobs.push(done) }),
	} as unknown as Context;
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
	t.is(pruned, 1);
	const tick = () => timers.splice(0).forEach((run) => void run());
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
	t.is(pruned, 1);
	t.deepEqual(failures, [-5]);
});
