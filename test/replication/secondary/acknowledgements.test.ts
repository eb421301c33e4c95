/** What the target tells the source of operations that it has received, before it applies them. */
import test from "ava";
import type { Context } from "../../../core/replication/control/context.ts";
import type { Channel } from "../../../core/replication/link/channel.ts";
import type { Operation } from "../../../core/replication/operation.ts";
import type { Salvage } from "../../../core/replication/quarantine/salvage.ts";
import { Receiver } from "../../../core/replication/secondary/receiver.ts";
import type { Message } from "../../../core/replication/wire/messages.ts";

const write: Operation = { op: "write", file: 2n, offset: 0n, mtimeNs: 0n, data: Buffer.alloc(8) };
const sync: Operation = { op: "sync", file: 2n, dataOnly: true };

/** A target that applies nothing: its loop ends a round when `round` is called. */
function make() {
	const posted: (() => void)[] = [];
	const sent: Message[] = [];
	const context = {
		config: { async: "second" },
		volumes: [],
		disks: { failures: 0 },
		loop: { post: (run: () => void) => posted.push(run), idle: () => ({ cancel: () => {} }) },
	} as unknown as Context;
	const events = { finish() {}, promotable() {}, checkpoint() {}, broken() {} };
	const receiver = new Receiver(context, {} as Salvage, false, events);
	receiver.attach({ send: (message: Message) => sent.push(message), flush() {} } as unknown as Channel);
	const take = (seq: number, operation: Operation): void =>
		receiver.take({ is: "operation", dir: 0, seq, operation }, 100);
	/** What was said in this round. */
	const round = (): Message[] => {
		for (const run of posted.splice(0)) run();
		return sent.splice(0);
	};
	return { receiver, take, round };
}

test("one acknowledgement for all that came in a round; of a sync nobody hears before it is done", (t) => {
	const { receiver, take, round } = make();
	take(1, write);
	take(2, write);
	t.deepEqual(round(), [{ is: "received", seq: 2 }]);
	take(3, sync);
	t.deepEqual(round(), []);
	t.is(receiver.received, 3, "it is here all the same: a link that comes back begins behind it");
	take(4, sync);
	take(5, write);
	t.deepEqual(round(), [{ is: "received", seq: 5 }]);
	take(5, write);
	t.deepEqual(round(), [], "twice is once");
});
