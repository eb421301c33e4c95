/** The judge finds what it is there to find: two answers, foreign senders, changes of a client's server. */
import test from "ava";
import { asInFrames, flag, readFrames } from "./frames.ts";
import { judge } from "./judge.ts";

const vip = "10.0.0.100";
const servers = { "02:00:00:00:00:01": "n1", "02:00:00:00:00:02": "n2" };
const mac = {
	client: "02:00:00:00:00:09",
	n1: "02:00:00:00:00:01",
	n2: "02:00:00:00:00:02",
	strange: "5a:fe:0a:00:00:64",
};

interface Sent {
	atMs: number;
	from: keyof typeof mac;
	port: number;
	flags: number;
	sequence?: number;
	acknowledged?: number;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(":", ""), "hex");
const ip = (text: string): number[] => text.split(".").map(Number);

/** A TCP frame between client port and port 80 of the address, as tcpdump would write it. */
function record({ atMs, from, port, flags, sequence = 1, acknowledged = 0 }: Sent): Buffer {
	const isClient = from === "client";
	const bytes = Buffer.alloc(54);
	bytes.set(hex(mac[isClient ? "n1" : "client"]), 0);
	bytes.set(hex(mac[from]), 6);
	bytes.writeUInt16BE(0x0800, 12);
	bytes[14] = 0x45;
	bytes[23] = 6;
	bytes.set(ip(isClient ? "10.0.0.9" : vip), 26);
	bytes.set(ip(isClient ? vip : "10.0.0.9"), 30);
	bytes.writeUInt16BE(isClient ? port : 80, 34);
	bytes.writeUInt16BE(isClient ? 80 : port, 36);
	bytes.writeUInt32BE(sequence, 38);
	bytes.writeUInt32BE(acknowledged, 42);
	bytes[47] = flags;
	const head = Buffer.alloc(16);
	head.writeUInt32LE(Math.floor(atMs / 1000), 0);
	head.writeUInt32LE((atMs % 1000) * 1000, 4);
	head.writeUInt32LE(bytes.length, 8);
	head.writeUInt32LE(bytes.length, 12);
	return Buffer.concat([head, bytes]);
}

function capture(...sent: Sent[]): Buffer {
	const head = Buffer.alloc(24);
	head.writeUInt32LE(0xa1b2c3d4, 0);
	head.writeUInt32LE(1, 20);
	return Buffer.concat([head, ...sent.map(record)]);
}

const syn = (atMs: number, port: number, sequence = 1): Sent => ({
	atMs,
	from: "client",
	port,
	flags: flag.syn,
	sequence,
});
const answer = (atMs: number, from: "n1" | "n2" | "strange", port: number): Sent => {
	return { atMs, from, port, flags: flag.syn | flag.ack };
};
const verdictOf = (...sent: Sent[]) => judge(readFrames(capture(...sent)), servers, [vip]);

test("one answer each is counted for its server", (t) => {
	const verdict = verdictOf(syn(1, 1000), answer(2, "n1", 1000), syn(3, 1001), answer(4, "n2", 1001), syn(5, 1002));
	t.like(verdict, { answered: 2, unanswered: 1, perServer: { n1: 1, n2: 1 }, mostChanges: 1, resets: 0 });
	t.deepEqual([verdict.twice, verdict.foreign], [[], []]);
});

test("two servers in one connection are found; who only resets it has not answered it", (t) => {
	const ack = (from: "n1" | "n2"): Sent => ({ atMs: 30, from, port: 1000, flags: flag.ack });
	const verdict = verdictOf(syn(1, 1000), answer(2, "n1", 1000), ack("n2"));
	t.is(verdict.twice.length, 1);
	t.regex(verdict.twice[0] ?? "", /^tcp 10.0.0.9:1000 → 10.0.0.100:80: n1 at 2.0, n2 at 30.0; client syn /);
	const reset: Sent = { atMs: 30, from: "n2", port: 1000, flags: flag.rst };
	t.like(verdictOf(syn(1, 1000), answer(2, "n1", 1000), reset), { twice: [], resets: 1, resetByAnother: 1 });
});

test("a SYN that is sent again is the same connection, another number on the same port is a new one", (t) => {
	t.is(verdictOf(syn(1, 7), answer(2, "n1", 7), syn(3, 7), answer(4, "n2", 7)).twice.length, 1);
	t.deepEqual(verdictOf(syn(1, 7), answer(2, "n1", 7), syn(3, 7, 2), answer(4, "n2", 7)).twice, []);
});

test("a late frame of an earlier connection on the same port is no answer to the next one", (t) => {
	const late = (acknowledged: number): Sent => ({
		atMs: 40,
		from: "n1",
		port: 7,
		flags: flag.ack + flag.fin,
		acknowledged,
	});
	const first = [syn(1, 7, 5000), { ...answer(2, "n1", 7), acknowledged: 5001 }];
	const second = [syn(30, 7, 4_000_000_000), { ...answer(31, "n2", 7), acknowledged: 4_000_000_001 }];
	t.deepEqual(verdictOf(...first, ...second, late(5038)).twice, []);
	t.is(verdictOf(...first, ...second, late(4_000_000_038)).twice.length, 1);
});

test("who sends with another address than a server's own is named", (t) => {
	t.deepEqual(verdictOf(syn(1, 7), answer(2, "strange", 7)).foreign, [mac.strange]);
});

test("a capture that was cut off is read as far as it goes; another file is refused", (t) => {
	const whole = capture(syn(1, 7), answer(2, "n1", 7));
	t.is(readFrames(whole).length, 2);
	t.is(readFrames(whole.subarray(0, whole.length - 1)).length, 1);
	t.throws(() => readFrames(Buffer.alloc(100)), { message: /no capture/ });
	t.is(asInFrames("fd99:7::100"), "fd99:7:0:0:0:0:0:100");
});
