/** Threads for what may take long. */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { DataLoop } from "../../../core/replication/loop/dataLoop.ts";
import { SyncerRing } from "../../../core/replication/loop/syncerRing.ts";
import { Syncers } from "../../../core/replication/loop/syncers.ts";
import type { SyncerData } from "../../../core/replication/loop/syncerThread.ts";
import { makeTestFolder } from "../../folder.ts";

test("every job is done once and told once, also many more than a ring holds, awake or asleep", (t) => {
	const loop = new DataLoop(system);
	const syncers = new Syncers(loop, system);
	const fd = openSync(join(makeTestFolder("syncers"), "file"), "w");
	const told = new Map<number, number>();
	let sleeps = 0;
	const burst = (): void => {
		for (let n = 0; n < 500; n++) {
			const number = told.size + syncers.pending;
			const result = number % 100 === 99;
			syncers.run(result ? { do: "fsync", fd: 1_000_000 } : { do: "fdatasync", fd }, (got) => {
				t.is(got, result ? -9 : 0);
				told.set(number, (told.get(number) ?? 0) + 1);
			});
		}
	};
	burst();
	const again = (): void => {
		burst();
		wait();
	};
	const wait = (): void => {
		if (syncers.pending > 0) {
			loop.timer(1, wait);
			return;
		}
		sleeps++;
		if (sleeps === 1) loop.timer(50, again);
		else loop.stop();
	};
	wait();
	loop.run();
	t.is(told.size, 1000);
	t.true([...told.values()].every((count) => count === 1));
	syncers.stop();
	closeSync(fd);
});

test("a job that comes while nobody looks for work wakes the sleeping thread", (t) => {
	const loop = new DataLoop(system);
	const syncers = new Syncers(loop, system, { most: 1 });
	const start = performance.now();
	let tookMs = 0;
	loop.timer(200, () => {
		syncers.run({ do: "statfs", path: "/" }, (result) => {
			t.is(result, 0);
			tookMs = performance.now() - start;
			loop.stop();
		});
	});
	loop.timer(30_000, () => loop.stop());
	loop.run();
	t.true(tookMs > 0 && tookMs < 20_000);
	syncers.stop();
});

test("a ring hands over what was posted, in its order, and refuses what it has no room for", (t) => {
	const ring = new SyncerRing();
	t.is(ring.collect(), null);
	for (let n = 0; n < 32; n++) t.true(ring.post({ do: "fsync", fd: n }));
	t.false(ring.post({ do: "fsync", fd: 32 }), "full");
	const other = new SyncerRing(ring.shared);
	other.serve(
		(job) => ("fd" in job ? job.fd : -1),
		() => {},
	);
	for (let n = 0; n < 32; n++) t.is(ring.collect(), n);
	t.is(ring.collect(), null);
	const path = `/${"x".repeat(4095)}`;
	t.true(ring.post({ do: "umount", path, flags: 3 }));
	other.serve(
		(job) => {
			t.deepEqual(job, { do: "umount", path, flags: 3 });
			return 7;
		},
		() => {},
	);
	t.is(ring.collect(), 7);
	const bytes = new Uint8Array(65_536).fill(9);
	t.true(ring.post({ do: "write", fd: 3, bytes, offset: 4096 }));
	other.serve(
		(job) => (job.do === "write" && Buffer.from(job.bytes).equals(bytes) ? job.offset : -1),
		() => {},
	);
	t.is(ring.collect(), 4096);
	t.throws(() => ring.post({ do: "write", fd: 3, bytes: Buffer.concat([bytes, bytes]), offset: 0 }), {
		instanceOf: RangeError,
	});
});

/** Threads that do a job when they are told to, and a loop whose time stands still. */
function scripted() {
	const started: SyncerRing[] = [];
	const timers = new Set<() => void>();
	const attempts: (() => boolean)[] = [];
	const loop = {
		...{ asleep: new Int32Array(new SharedArrayBuffer(4)), watch: () => {}, unwatch: () => {} },
		attempt: (attempt: () => boolean) => {
			attempts.push(attempt);
			return { cancel: () => {} };
		},
		timer: (_ms: number, run: () => void) => {
			timers.add(run);
			return { cancel: () => timers.delete(run) };
		},
	};
	return {
		loop: loop as unknown as DataLoop,
		started,
		start: ({ shared }: SyncerData) => void started.push(new SyncerRing(shared)),
		/** All that was posted to a thread, which then is told. */
		serve: (index: number): string[] => {
			const did: string[] = [];
			started[index]!.serve(
				(job) => did.push(job.do) && 0,
				() => {},
			);
			for (const attempt of attempts) attempt();
			return did;
		},
		/** The next look at who is needed. */
		look: () => {
			for (const run of [...timers]) if (timers.delete(run)) run();
		},
		timers,
	};
}

test("one thread is there; others come where jobs would wait, and end when nobody has needed them", (t) => {
	const { loop, started, start, serve, look, timers } = scripted();
	const syncers = new Syncers(loop, system, { start });
	const marks = new Syncers(loop, system, { most: 1, kept: 0, meanwhile: syncers, start });
	const done: string[] = [];
	const run = (of: Syncers, what: "fsync" | "syncfs"): void => of.run({ do: what, fd: 1 }, () => done.push(what));
	t.is(started.length, 1);
	run(marks, "fsync");
	run(syncers, "fsync");
	t.is(started.length, 1, "the first does not run yet: another would not be sooner");
	t.deepEqual(serve(0), ["fsync", "fsync"]);
	run(marks, "syncfs");
	t.deepEqual([started.length, marks.threads], [1, 0], "who has nothing to do does it");
	run(marks, "syncfs");
	run(marks, "syncfs");
	t.deepEqual([started.length, marks.threads, marks.pending], [2, 1, 2]);
	run(syncers, "fsync");
	t.deepEqual([started.length, syncers.threads], [3, 2]);
	t.deepEqual(serve(0), ["syncfs", "fsync"]);
	t.deepEqual(serve(1), ["syncfs", "syncfs"]);
	run(marks, "syncfs");
	t.deepEqual(serve(1), ["syncfs"], "its own, now that it runs");
	look();
	t.deepEqual([syncers.threads, marks.threads], [2, 1], "they were used, or do not run yet");
	look();
	t.deepEqual([syncers.threads, marks.threads], [2, 0], "one that does not run yet is not ended");
	t.deepEqual(serve(1), ["end"]);
	run(syncers, "fsync");
	run(syncers, "fsync");
	t.deepEqual(serve(0), ["fsync", "fsync"]);
	run(marks, "syncfs");
	t.deepEqual(serve(0), ["syncfs"], "until the next time that it would have to wait");
	t.is(done.length, 10);
	t.is(timers.size, 1);
	syncers.stop();
	marks.stop();
	t.is(timers.size, 0);
	t.deepEqual(serve(0), ["end"]);
	t.deepEqual(serve(2), ["end"]);
});

test("what has threads of its own never waits behind a long job of others", (t) => {
	const { loop, started, start, serve } = scripted();
	const syncers = new Syncers(loop, system, { start });
	const marks = new Syncers(loop, system, { most: 1, kept: 0, meanwhile: syncers, start });
	const run = (of: Syncers, what: "fsync" | "syncfs"): void => of.run({ do: what, fd: 1 }, () => {});
	run(syncers, "fsync");
	serve(0);
	run(syncers, "syncfs");
	// Waits behind the long one, and has a second thread started, which does not run yet.
	run(syncers, "syncfs");
	t.is(started.length, 2);
	run(marks, "fsync");
	t.deepEqual([started.length, marks.pending, syncers.pending], [3, 1, 2]);
	t.deepEqual(serve(2), ["fsync"]);
});

test("a thread of another version of the product refuses", (t) => {
	const { shared } = new SyncerRing();
	new Int32Array(shared)[3]! += 1;
	t.throws(() => new SyncerRing(shared), { message: /another version/ });
});
