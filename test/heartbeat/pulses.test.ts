import { randomBytes } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { Identity } from "../../core/heartbeat/identity.ts";
import {
	maxContentBytes,
	maxPacketBytes,
	openPulse,
	type Pulse,
	pathMark,
	pulseKey,
	readPacket,
	readPulse,
	sealPulse,
} from "../../core/heartbeat/packet.ts";
import { ResourceReceiver, ResourceSender } from "../../core/heartbeat/resources.ts";
import { effectivePulseMs, PathWatch } from "../../core/heartbeat/watch.ts";

const moduleKey = Buffer.alloc(32, 7);
const pulse = (more: Partial<Pulse> = {}): Pulse => ({
	i: pathMark("default"),
	h: true,
	s: { main: "PRIM", status: "Ready" },
	r: [0, 0, 0, {}],
	...more,
});

const identity = (key: Buffer, node: string, peer: string) => new Identity(key, node, peer, readPulse);

/** Two identities that believe each other. */
function acquainted(): { a: Identity<Pulse>; b: Identity<Pulse> } {
	const a = identity(moduleKey, "a", "b");
	const b = identity(moduleKey, "b", "a");
	introduce(a, b);
	introduce(b, a);
	return { a, b };
}

function introduce(newcomer: Identity<Pulse>, other: Identity<Pulse>): void {
	const met = other.receive("default", newcomer.seal(pulse()));
	if (met.is !== "stranger") throw new Error(met.is);
	const accepted = other.receive("default", newcomer.seal(pulse({ e: met.token })));
	if (accepted.is !== "accepted" || !accepted.fresh) throw new Error(accepted.is);
}

test("no bytes make the reader throw", (t) => {
	const { b } = acquainted();
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 2000 }), fc.boolean(), (raw, magic) => {
			const bytes = Buffer.from(raw);
			if (magic && bytes.length >= 4) bytes.write("OSP1");
			return b.receive("default", bytes).is === "refused";
		}),
		{ numRuns: 2000 },
	);
	t.pass();
});

test("nothing that is not a pulse is taken for one, though the key is right", (t) => {
	const incarnation = randomBytes(16).toString("hex");
	const key = pulseKey(moduleKey, incarnation, "a");
	fc.assert(
		fc.property(fc.jsonValue(), (value) => {
			const bytes = sealPulse(key, incarnation, 1n, { ...pulse(), r: value } as Pulse);
			const sealed = readPacket(bytes);
			const opened = sealed === null ? null : openPulse(key, sealed, readPulse);
			return opened === null || (Array.isArray(opened.r) && opened.r.length === 4);
		}),
	);
	for (const wrong of [
		{ h: 1 },
		{ s: {} },
		{ s: null },
		{ c: ["x"] },
		{ a: [1, 2] },
		{ e: 7 },
		{ i: "too long a mark" },
	]) {
		const bytes = sealPulse(key, incarnation, 2n, { ...pulse(), ...wrong } as never);
		t.is(openPulse(key, readPacket(bytes) as never, readPulse), null, JSON.stringify(wrong));
	}
});

test("a pulse with a changed bit, from another sender or cluster, is refused", (t) => {
	const { a, b } = acquainted();
	fc.assert(
		fc.property(fc.nat(), fc.integer({ min: 0, max: 7 }), (at, bit) => {
			const bytes = a.seal(pulse());
			const index = at % bytes.length;
			bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
			return b.receive("default", bytes).is === "refused";
		}),
	);
	t.is(a.receive("default", a.seal(pulse())).is, "refused", "one's own pulse sent back");
	t.is(b.receive("default", identity(Buffer.alloc(32), "a", "b").seal(pulse())).is, "refused");
	t.is(b.receive("other", a.seal(pulse())).is, "refused", "a pulse of another heartbeat");
	t.is(b.receive("default", a.seal(pulse())).is, "accepted");
});

test("a pulse counts once", (t) => {
	const { a, b } = acquainted();
	const packets = Array.from({ length: 100 }, () => a.seal(pulse()));
	for (const bytes of packets) t.is(b.receive("default", bytes).is, "accepted");
	for (const bytes of packets) t.is(b.receive("default", bytes).is, "refused");
	t.deepEqual(b.receive("default", packets[0] as Buffer), { is: "refused", why: "they are repeated" });
	t.deepEqual(b.receive("default", packets[99] as Buffer), { is: "refused", why: null });
});

test("a recording of a past run, with its answers to challenges, is never believed again", (t) => {
	const { a, b } = acquainted();
	const recorded = [a.seal(pulse())];
	const met = b.receive("default", identity(moduleKey, "a", "b").seal(pulse()));
	t.is(met.is, "stranger");
	const second = identity(moduleKey, "a", "b");
	const challenge = b.receive("default", second.seal(pulse()));
	const answer = second.seal(pulse({ e: challenge.is === "stranger" ? challenge.token : "" }));
	t.like(b.receive("default", answer), { is: "accepted", fresh: true });
	recorded.push(answer);
	const third = identity(moduleKey, "a", "b");
	introduce(third, b);
	for (const bytes of recorded) t.is(b.receive("default", bytes).is, "stranger");
	t.is(b.peer, third.own);
	// The control: the recording is intact and under the right key; without the challenge it would be believed.
	const sealed = readPacket(answer);
	t.truthy(sealed && openPulse(pulseKey(moduleKey, second.own, "a"), sealed, readPulse));
	// A receiver that starts anew does not believe recordings either.
	const fresh = identity(moduleKey, "b", "a");
	for (const bytes of recorded) t.is(fresh.receive("default", bytes).is, "stranger");
});

test("the largest announcement and many resources fit a packet", (t) => {
	const sender = new ResourceSender();
	sender.update(Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`custom.resource-${n}`, "down"])));
	const { a } = acquainted();
	const token = "f".repeat(32);
	const full = pulse({ a: [token, 2 ** 40], c: [token, token], e: token });
	full.s = { main: "SECOND", status: "NotReady", x: "y".repeat(950) };
	full.r = sender.slice(maxContentBytes - Buffer.byteLength(JSON.stringify(full)));
	t.true(a.seal(full).length <= maxPacketBytes);
});

test("resources arrive whole over a network that loses, whatever changes meanwhile", (t) => {
	const states = fc.dictionary(fc.constantFrom(..."abcdefghij"), fc.constantFrom("up", "down", "init"));
	fc.assert(
		fc.property(fc.array(fc.record({ states, lost: fc.boolean(), ackLost: fc.boolean() })), (steps) => {
			const sender = new ResourceSender();
			const receiver = new ResourceReceiver();
			let last: Record<string, string> = {};
			for (const step of steps) {
				sender.update(step.states);
				last = step.states;
				const slice = sender.slice(70);
				if (!step.lost) receiver.apply(slice);
				if (!step.ackLost) sender.peerHas(receiver.revision);
			}
			for (let round = 0; round < 20; round++) {
				const complete = receiver.apply(sender.slice(70));
				sender.peerHas(receiver.revision);
				if (complete) {
					t.deepEqual(receiver.states(), { ...last });
					return;
				}
			}
			t.fail("the slices do not end");
		}),
	);
});

test("silence is counted in the time in which this thread could run", (t) => {
	const alive = (tickMs: number): PathWatch => {
		const watch = new PathWatch(1000, tickMs);
		watch.pulse(true);
		t.true(watch.changed());
		return watch;
	};
	const starved = alive(50);
	starved.tick(1500);
	t.is(starved.changed(), undefined);
	t.is(starved.hear, true);
	// The control: without that rule the same gap is a loss.
	const naive = alive(1e9);
	naive.tick(1500);
	t.false(naive.changed());
	// A dead peer is noticed even if every tick is late.
	for (let count = 0; count < 10; count++) starved.tick(500);
	t.false(starved.changed());
});

test("one direction lost is lost; a peer that has just started changes nothing", (t) => {
	const watch = new PathWatch(1000, 50);
	t.is(watch.changed(), undefined);
	watch.pulse(null);
	t.is(watch.changed(), undefined, "heard, but nothing is known of the other direction");
	watch.pulse(true);
	t.true(watch.changed());
	watch.pulse(null);
	t.is(watch.changed(), undefined);
	watch.pulse(false);
	t.false(watch.changed());
	watch.pulse(true);
	t.true(watch.changed());
});

test("pulses are frequent enough for their timeout", (t) => {
	t.is(effectivePulseMs(700, 30_000), 700);
	t.is(effectivePulseMs(700, 1000), 100);
	t.is(effectivePulseMs(100, 5000), 100);
	t.is(effectivePulseMs(1, 1000), 20);
});
