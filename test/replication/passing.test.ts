import test from "ava";
import { maxPacket } from "../../core/replication/wire/limits.ts";
import { Opener, Sealer } from "../../core/replication/wire/packets.ts";
import { keep, passed, passing, pieceBytes } from "../../core/replication/wire/passing.ts";

const large = 200 * 1024;

test("memory that was given back is used again, and no other", (t) => {
	const [one, two] = [passing(large), passing(large)];
	t.not(one.buffer, two.buffer);
	passed(one);
	t.is(passing(large).buffer, one.buffer);
	t.not(passing(large).buffer, two.buffer);
});

test("what somebody else looks at too has to be given back by both", (t) => {
	const cut = passing(large);
	keep(cut.subarray(10, 20));
	passed(cut);
	t.not(passing(large).buffer, cut.buffer);
	passed(cut.subarray(10, 20));
	t.is(passing(large).buffer, cut.buffer);
});

test("small cuts share a piece, which comes back when the last of them was given back", (t) => {
	const bytes = pieceBytes / 8;
	const all = Array.from({ length: 24 }, () => passing(bytes));
	const spans = all.map((cut) => ({ buffer: cut.buffer, from: cut.byteOffset, to: cut.byteOffset + cut.length }));
	for (const [index, a] of spans.entries()) {
		const overlapping = spans.slice(index + 1).filter((b) => a.buffer === b.buffer && a.from < b.to && b.from < a.to);
		t.is(overlapping.length, 0);
	}
	const full = all.filter((cut) => cut.buffer === all[8]!.buffer);
	for (const cut of full.slice(1)) passed(cut);
	const others = Array.from({ length: 16 }, () => passing(bytes));
	t.false(others.some((cut) => cut.buffer === full[0]!.buffer));
	passed(full[0]!);
	t.true(Array.from({ length: 16 }, () => passing(bytes)).some((cut) => cut.buffer === full[0]!.buffer));
});

test("what is given back twice is a defect that is seen at once; memory of other origin is nobody's concern", (t) => {
	const cut = passing(large);
	passed(cut);
	t.throws(() => passed(cut), { message: /more often/ });
	t.notThrows(() => passed(Buffer.alloc(10)));
	t.is(passing(2 * maxPacket).length, 2 * maxPacket);
});

test("a message that was received stays as it is until it is given back, however the bytes come", (t) => {
	const sealer = new Sealer(null);
	const opener = new Opener(null);
	const sent = Array.from({ length: 60 }, (_, n) => Buffer.alloc(40_000 + n * 3001, n));
	const wire = Buffer.concat(sent.map((message) => Buffer.from(sealer.seal([message]))));
	const held: { message: Buffer; number: number }[] = [];
	let number = 0;
	let room = passing(300 * 1024);
	for (let at = 0; at < wire.length; ) {
		if (room.length < 30_000) {
			passed(room);
			room = passing(300 * 1024);
		}
		const length = wire.copy(room, 0, at, Math.min(wire.length, at + 70_001));
		const bytes = room.subarray(0, length);
		room = room.subarray(length);
		at += length;
		keep(bytes);
		for (const message of opener.push(bytes)) held.push({ message, number: number++ });
		// Some wait to be applied, in their order.
		while (held.length > 5) {
			const { message, number: which } = held.shift()!;
			t.true(message.equals(sent[which]!), `message ${which}`);
			passed(message);
		}
	}
	for (const { message, number: which } of held) t.true(message.equals(sent[which]!), `message ${which}`);
	t.is(number, sent.length);
});
