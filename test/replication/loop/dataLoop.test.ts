/** The loop of the data thread. */
import { MessageChannel } from "node:worker_threads";
import test from "ava";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { poll } from "../../../core/replication/errno.ts";
import { DataLoop } from "../../../core/replication/loop/dataLoop.ts";
import { postAndWake, receive } from "../../../core/replication/loop/mailbox.ts";

test("timers run in their order, a cancelled one does not", (t) => {
	const loop = new DataLoop(system);
	const seen: string[] = [];
	loop.timer(60, () => seen.push("c"));
	loop.timer(20, () => seen.push("a"));
	loop.timer(40, () => seen.push("never")).cancel();
	loop.timer(40, () => loop.timer(1, () => seen.push("b")));
	loop.timer(120, () => loop.stop());
	const start = performance.now();
	loop.run();
	t.deepEqual(seen, ["a", "b", "c"]);
	t.true(performance.now() - start >= 119);
});

test("what is run every second is run together, by one timer, until it is cancelled", (t) => {
	const loop = new DataLoop(system);
	const seen: string[] = [];
	const [first] = ["a", "b", "c"].map((name) => loop.everySecond(() => void seen.push(name)));
	let [sleeps, before] = [0, 0];
	const { poll: sleeping } = system;
	t.teardown(() => Object.assign(system, { poll: sleeping }));
	system.poll = (descriptors, timeoutMs) => {
		if (timeoutMs > 0) sleeps++;
		return sleeping(descriptors, timeoutMs);
	};
	loop.everySecond(() => {
		if (seen.length > 3) return loop.stop();
		before = sleeps;
		first?.cancel();
	});
	loop.run();
	t.deepEqual(seen, ["a", "b", "c", "b", "c"]);
	t.true(sleeps - before <= 2, "one sleep between two of them");
});

test("background slices take turns, end, and do not starve descriptors", (t) => {
	const loop = new DataLoop(system);
	const fd = system.eventfd();
	system.wake(fd);
	const seen: string[] = [];
	let slices = 0;
	loop.idle(() => {
		seen.push("x");
		return ++slices < 50;
	});
	const cancelled = loop.idle(() => true);
	let handled = 0;
	loop.watch(fd, poll.IN, () => {
		if (++handled === 20) cancelled.cancel();
		if (handled === 400) loop.stop();
	});
	loop.run();
	t.is(seen.length, 50);
	t.is(handled, 400);
	system.close(fd);
});

test("a handler may unwatch another that is ready in the same round", (t) => {
	const loop = new DataLoop(system);
	const [a, b] = [system.eventfd(), system.eventfd()];
	for (const fd of [a, b]) system.wake(fd);
	let calls = 0;
	const handler = (own: number, other: number) => () => {
		calls++;
		system.drainWake(own);
		loop.unwatch(other);
		loop.timer(10, () => loop.stop());
	};
	loop.watch(a, poll.IN, handler(a, b));
	loop.watch(b, poll.IN, handler(b, a));
	loop.run();
	t.is(calls, 1);
	for (const fd of [a, b]) system.close(fd);
});

test("an attempt that another one cancelled is not made any more", (t) => {
	const loop = new DataLoop(system);
	let second = 0;
	loop.attempt(() => {
		other.cancel();
		loop.stop();
		return true;
	});
	const other = loop.attempt(() => {
		second++;
		return true;
	});
	loop.run();
	t.is(second, 0);
});

test("messages arrive without Node's event loop", (t) => {
	const loop = new DataLoop(system);
	const { port1, port2 } = new MessageChannel();
	const wake = system.eventfd();
	const got: number[] = [];
	receive(loop, system, port1, wake, (message: number) => {
		got.push(message);
		if (message === 3) loop.stop();
		else postAndWake(system, port2, wake, message + 1);
	});
	postAndWake(system, port2, wake, 1);
	loop.run();
	t.deepEqual(got, [1, 2, 3]);
	port1.close();
	system.close(wake);
});

test("what a handler throws comes out of run", (t) => {
	const loop = new DataLoop(system);
	loop.post(() => {
		throw new Error("defect");
	});
	t.throws(() => loop.run(), { message: "defect" });
});
