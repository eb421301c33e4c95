/** The wire: every message comes back as it went, and nothing that arrives can do harm. */
import { randomBytes } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { makeGcm } from "../../core/platform/linux/gcm.ts";
import { FrameKeys } from "../../core/replication/wire/frameKeys.ts";
import type { MakeGcm } from "../../core/replication/wire/gcm.ts";
import { encodeHello, type Hello, mismatch, protocol, readHello } from "../../core/replication/wire/handshake.ts";
import { decodeMessage, encodeMessage, type Message } from "../../core/replication/wire/messages.ts";
import { Opener, Sealer } from "../../core/replication/wire/packets.ts";

const nodeGcm: MakeGcm = () => null;

const bytes = (maxLength: number, minLength = 0) =>
	fc.uint8Array({ maxLength, minLength }).map((value) => Buffer.from(value));
const name = bytes(255, 1).filter(
	(value) => !/[/\0]/.test(value.toString("latin1")) && !/^\.\.?$/.test(value.toString("latin1")),
);
const ref = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const time = fc.bigInt({ min: -(2n ** 31n) * 10n ** 9n, max: 16n * 10n ** 18n });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const seq = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const id = fc.constantFrom("", "1.0.1", "9007199254740991.1.9007199254740991");
const after = fc.record({ mtimeNs: time });
const node = fc.record({
	mode: u32,
	uid: u32,
	gid: u32,
	rdev: u32,
	times: fc.record({ atimeNs: time, mtimeNs: time }),
});
const is = <T extends string>(op: T) => fc.constant(op);

const list = fc.option(bytes(100), { nil: null });
const acls = fc.record({ access: list, default: list });
const operation = fc.oneof(
	fc.record(
		{ op: is("make"), parent: ref, name, file: ref, id, node, target: bytes(4096), acls, after },
		{ requiredKeys: ["op", "parent", "name", "file", "id", "node", "after"] },
	),
	fc.record({ op: is("link"), file: ref, parent: ref, name, unnamed: fc.boolean(), after }),
	fc.record({ op: is("makeUnnamed"), file: ref, id, node, acls }, { requiredKeys: ["op", "file", "id", "node"] }),
	fc.record({ op: is("unlink"), parent: ref, name, file: ref, keep: fc.boolean(), after }),
	fc.record({ op: is("rmdir"), parent: ref, name, after }),
	fc.record({ op: is("dropOpen"), file: ref }),
	fc.record({
		op: is("rename"),
		parent: ref,
		name,
		newParent: ref,
		newName: name,
		flags: u32,
		keep: fc.option(ref),
		after,
		newAfter: after,
	}),
	fc.record({ op: is("write"), file: ref, offset: ref, data: bytes(3000), mtimeNs: time }),
	fc.record({ op: is("truncate"), file: ref, size: ref, mtimeNs: time }),
	fc.record({ op: is("fallocate"), file: ref, mode: u32, offset: ref, length: ref, mtimeNs: time }),
	fc.record(
		{ op: is("setattr"), file: ref, mode: u32, uid: u32, gid: u32, times: fc.record({ atimeNs: time, mtimeNs: time }) },
		{ requiredKeys: ["op", "file"] },
	),
	fc.record({ op: is("setxattr"), file: ref, name: bytes(255), value: bytes(2000) }),
	fc.record({ op: is("removexattr"), file: ref, name: bytes(255) }),
	fc.record({ op: is("bind"), parent: ref, name, file: ref, id }),
	fc.record({ op: is("unbind"), file: ref }),
	fc.record({ op: is("sync"), file: ref, dataOnly: fc.boolean() }),
);
const attributes = fc.record({
	mode: u32,
	uid: u32,
	gid: u32,
	rdev: u32,
	size: ref,
	blocks: seq,
	mtimeNs: time,
	xattrs: bytes(32),
});
const dir = fc.nat({ max: 255 });
const toldMark = fc.record({
	...{ index: u32, path: fc.array(name, { maxLength: 5 }), id, lost: fc.boolean() },
	what: fc.oneof(
		fc.record({ is: is("directory"), all: fc.boolean(), since: id, subtree: fc.boolean() }),
		fc.record({
			...{ is: is("file"), whole: fc.boolean(), attributes: fc.boolean() },
			ranges: fc.array(fc.record({ from: ref, to: ref }), { maxLength: 5 }),
		}),
	),
});
const epochId = fc.constantFrom("0123456789abcdef", "fedcba9876543210");
const extended = fc.array(fc.record({ name: bytes(255), value: bytes(100) }));
const message = fc.oneof(
	fc.record({ is: is("operation"), dir, seq, operation }),
	fc.record({ is: is("bind"), dir, file: ref, own: ref }),
	fc.record({ is: fc.constantFrom("received", "synced"), seq }),
	fc.record({ is: fc.constantFrom("farewell", "finished") }),
	fc.record({ is: is("accepted"), adopts: fc.boolean(), sinceMs: seq }),
	fc.record({ is: fc.constantFrom("pulse", "echo"), at: seq }),
	fc.record({ is: is("broken"), why: fc.string({ maxLength: 900 }), dir, differs: ref }),
	fc.record({ is: is("list"), request: seq, dir, file: ref, details: fc.boolean() }),
	fc.record({ is: is("absent"), request: seq }),
	fc.record({ is: is("identify"), dir, file: ref, id }),
	fc.record({ is: is("placed"), request: seq, dir, made: fc.boolean() }),
	fc.record({ is: is("tellMarks"), request: seq, dir, indexes: fc.array(u32) }),
	fc.record({
		...{ is: is("marks"), request: seq, dir, last: fc.boolean(), everything: fc.boolean() },
		marks: fc.array(toldMark, { maxLength: 20 }),
	}),
	fc.record({
		is: is("listed"),
		request: seq,
		last: fc.boolean(),
		own: attributes,
		entries: fc.array(fc.record({ name, id, own: ref, attributes })),
	}),
	fc.record({
		is: is("place"),
		...{ seq, request: seq, dir, parent: ref, name, file: ref, id, node, target: bytes(4096) },
		whole: fc.option(fc.record({ data: bytes(4096), xattrs: extended })),
	}),
	fc.record({ is: is("limbo"), dir, parent: ref, name }),
	fc.record({
		is: is("compare"),
		request: seq,
		dir,
		file: ref,
		offset: ref,
		length: ref,
		region: fc.integer({ min: 1, max: 1 << 20 }),
	}),
	fc.record({ is: is("compared"), request: seq, own: attributes, digests: fc.array(bytes(32)) }),
	fc.record({
		is: is("xattrs"),
		dir,
		file: ref,
		last: fc.boolean(),
		entries: extended,
	}),
	fc.record({ is: is("promotable"), files: seq, bytes: seq }),
	fc.record({ is: is("foreign"), dir }),
	fc.record({
		is: is("finish"),
		epoch: fc.record({ current: epochId, base: epochId, history: fc.array(epochId, { maxLength: 8 }) }),
	}),
) as fc.Arbitrary<Message>;

test("every message comes back as it went", (t) => {
	fc.assert(
		fc.property(message, (m) => {
			t.deepEqual(decodeMessage(encodeMessage(m)), m);
		}),
		{ numRuns: 1500 },
	);
});

test("garbage is refused with REPLICATION_WIRE, never with anything else", (t) => {
	const tryIt = (bytes: Buffer) => {
		try {
			decodeMessage(bytes);
		} catch (error) {
			if ((error as { code?: string }).code !== "REPLICATION_WIRE") throw error;
		}
	};
	fc.assert(fc.property(bytes(400), tryIt), { numRuns: 3000 });
	fc.assert(
		fc.property(message, fc.nat(), fc.nat({ max: 255 }), fc.nat(), (m, at, value, cut) => {
			const encoded = encodeMessage(m);
			encoded[at % encoded.length] = value;
			tryIt(encoded.subarray(0, cut % (encoded.length + 1)));
			tryIt(encoded);
		}),
		{ numRuns: 1500 },
	);
	t.pass();
});

test("names that leave their directory are refused", (t) => {
	for (const bad of ["", ".", "..", "a/b", "a\0b"]) {
		const encoded = encodeMessage({ is: "limbo", dir: 0, parent: 1n, name: Buffer.from(bad) });
		t.throws(() => decodeMessage(encoded), { code: "REPLICATION_WIRE" }, JSON.stringify(bad));
	}
});

test("packets arrive whole however the bytes are cut", (t) => {
	fc.assert(
		fc.property(
			fc.array(fc.array(fc.oneof(bytes(5000), fc.constant(Buffer.alloc(40_000, 7))), { maxLength: 4 }), {
				maxLength: 5,
			}),
			fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1 }),
			// Both kinds speak the same on the wire.
			fc.constantFrom(null, [makeGcm, makeGcm], [makeGcm, nodeGcm], [nodeGcm, makeGcm]),
			// So many pieces in a row lie in memory one behind the other, as they are received.
			fc.integer({ min: 1, max: 10 }),
			(packets, cuts, sealed, row) => {
				const key = randomBytes(32);
				const [sends, receives] = [sealed?.[0], sealed?.[1]];
				const sealer = new Sealer(sends === undefined ? null : { key, make: sends });
				const opener = new Opener(receives === undefined ? null : { key, make: receives });
				let wire = Buffer.concat(packets.map((messages) => Buffer.from(sealer.seal(messages))));
				const received: Buffer[] = [];
				for (let turn = 0; wire.length > 0; turn++) {
					const cut = cuts[turn % cuts.length]!;
					if (turn % row === 0) wire = Buffer.from(wire);
					received.push(...opener.push(wire.subarray(0, cut)));
					wire = wire.subarray(cut);
				}
				t.deepEqual(received, packets.flat());
			},
		),
		{ numRuns: 200 },
	);
});

test("a packet that comes in pieces into one memory is not copied", (t) => {
	const sealer = new Sealer(null);
	const opener = new Opener(null);
	const content = randomBytes(300_000);
	const memory = Buffer.concat([sealer.seal([content]), Buffer.alloc(3)]);
	let messages: Buffer[] = [];
	for (let at = 0; messages.length === 0; at += 65_537) messages = opener.push(memory.subarray(at, at + 65_537));
	t.deepEqual(messages, [content]);
	t.is(messages[0]!.buffer, memory.buffer);
});

for (const [name, make] of [
	["the fast cipher", makeGcm],
	["Node's cipher", nodeGcm],
] as const) {
	test(`${name}: a flipped bit, a replay, a packet left out, another direction or a giant length end the connection`, (t) => {
		const key = randomBytes(32);
		const sealer = new Sealer({ key, make });
		const [first, second] = ["first", "second"].map(
			(text) => Buffer.from(sealer.seal([Buffer.from(text)])) as Buffer,
		) as [Buffer, Buffer];
		const open = (packet: Uint8Array, opener = new Opener({ key, make })): Buffer[] => opener.push(Buffer.from(packet));
		for (let at = 0; at < first.length; at++) {
			const flipped = Buffer.from(first);
			flipped[at] = flipped[at]! ^ 1;
			// A longer packet is waited for, and its seal is wrong when it is there.
			t.throws(() => open(Buffer.concat([flipped, Buffer.alloc(70_000)])), { code: "REPLICATION_WIRE" }, `byte ${at}`);
		}
		t.throws(() => open(second), { code: "REPLICATION_WIRE" }, "left out");
		const replayed = new Opener({ key, make });
		t.deepEqual(open(first, replayed), [Buffer.from("first")]);
		t.throws(() => open(first, replayed), { code: "REPLICATION_WIRE" }, "replayed");
		t.throws(
			() => open(first, new Opener({ key: randomBytes(32), make })),
			{ code: "REPLICATION_WIRE" },
			"another key",
		);
		t.throws(() => open(Buffer.from([0xff, 0xff, 0xff, 0xff])), { code: "REPLICATION_WIRE" });
		t.throws(() => open(Buffer.from([0, 0, 0, 3])), { code: "REPLICATION_WIRE" });
	});
}

test("keys change after a fixed number of packets, on both sides at the same one", (t) => {
	const key = randomBytes(32);
	const [sealer, opener, old] = [
		new Sealer({ key, make: makeGcm, perKey: 3 }),
		new Opener({ key, make: makeGcm, perKey: 3 }),
		new Opener({ key, make: makeGcm, perKey: 1000 }),
	];
	for (let n = 0; n < 20; n++) {
		const packet = sealer.seal([Buffer.from(`packet ${n}`)]);
		t.is(String(opener.push(Buffer.from(packet))[0]), `packet ${n}`);
		if (n < 3) t.is(String(old.push(Buffer.from(packet))[0]), `packet ${n}`);
		if (n === 3)
			t.throws(() => old.push(Buffer.from(packet)), { code: "REPLICATION_WIRE" }, "the first key opens it no more");
	}
	const keys = new FrameKeys(key, 2);
	const seen = [...Array(6)].map(() => `${keys.next().toString("hex")} ${keys.nonce.toString("hex").slice(-2)}`);
	t.deepEqual(
		seen.map((each) => each.slice(-2)),
		["00", "01", "02", "03", "04", "05"],
	);
	t.is(new Set(seen.map((each) => each.slice(0, 64))).size, 3);
});

const hello = (over: Partial<Hello>): Hello => ({
	protocol,
	module: "m",
	node: "n1",
	peer: "n2",
	term: 3,
	source: true,
	outcome: "NEW",
	incarnation: "",
	resume: false,
	received: null,
	sealed: true,
	connections: 1,
	refusal: "",
	...over,
});

test("who does not fit is refused with the reason", (t) => {
	const own = hello({});
	const fits = hello({ node: "n2", peer: "n1", source: false });
	t.is(mismatch(own, fits), null);
	t.regex(mismatch(own, { ...fits, term: 4 })!, /term 4/);
	t.regex(mismatch(own, { ...fits, outcome: "EQUAL" })!, /EQUAL/);
	t.regex(mismatch(own, { ...fits, module: "other" })!, /other/);
	t.regex(mismatch(own, { ...fits, node: "n3" })!, /n3/);
	t.regex(mismatch(own, { ...fits, source: true })!, /source/);
});

test("greetings from outside are bounded and checked", (t) => {
	const whole = hello({});
	t.deepEqual(readHello(encodeHello(whole)), whole);
	const bad: unknown[] = [
		null,
		3,
		[],
		{},
		{ ...whole, term: 1.5 },
		{ ...whole, more: 1 },
		{ ...whole, node: "n".repeat(300) },
		{ ...whole, received: "x" },
		{ ...whole, connections: 0 },
		{ ...whole, connections: 17 },
		{ ...whole, sealed: "no" },
	];
	for (const value of bad) t.throws(() => readHello(Buffer.from(JSON.stringify(value))), { code: "REPLICATION_WIRE" });
	for (const text of ["{", " ".repeat(5000)])
		t.throws(() => readHello(Buffer.from(text)), { code: "REPLICATION_WIRE" });
	const other = Buffer.from(JSON.stringify({ protocol: 1, nonce: "" }));
	t.throws(() => readHello(other), { code: "REPLICATION_WIRE", message: /protocol 1, this one 4/ });
});
