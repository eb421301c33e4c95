/** The TLS handshake of a link: who has the key gets the same keys on both sides, and nobody else gets anywhere. */
import { randomBytes } from "node:crypto";
import { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import test from "ava";
import { type FromTls, Greeter, type Greeting, type LinkKeys } from "../../../core/replication/link/greeting.ts";
import { TlsEngine, wrongKey } from "../../../core/replication/link/tlsEngine.ts";

const key = randomBytes(32);

/** One end: an engine and the greeter that gives it work, as if they were two threads. */
class End {
	readonly engine: TlsEngine;
	readonly greeter: Greeter;

	constructor(held: Buffer) {
		this.engine = new TlsEngine(held, (message) => {
			const copy = structuredClone(message) as FromTls;
			setImmediate(() => this.greeter.take(copy));
		});
		this.greeter = new Greeter((message) => {
			const copy = structuredClone(message);
			setImmediate(() => this.engine.take(copy));
		});
	}
}

interface Outcome {
	heard: string | null;
	keys: LinkKeys | null;
	failed: string | null;
	/** What went over the wire from here. */
	sent: Buffer[];
	greeting: Greeting;
}

type Way = (bytes: Buffer) => Buffer | null;
const straight: Way = (bytes) => bytes;

/** Lets two ends meet over a wire that may change what travels. */
function meet(
	[a, b]: [End, End],
	hello: string,
	answer: string,
	there: Way = straight,
	back = straight,
): [Outcome, Outcome] {
	const empty = () => ({ heard: null, keys: null, failed: null, sent: [] }) as unknown as Outcome;
	const [source, target] = [empty(), empty()];
	const open = (end: End, own: Outcome, other: Outcome, way: Way, first: Buffer | null, heard: () => void): Greeting =>
		end.greeter.open(first, {
			send: (bytes) => {
				own.sent.push(bytes);
				const carried = way(bytes);
				if (carried !== null) other.greeting.received(carried);
			},
			heard: (said, keys) => {
				Object.assign(own, { heard: String(said), keys });
				heard();
			},
			failed: (why) => Object.assign(own, { failed: why }),
		});
	target.greeting = open(b, target, source, back, null, () => target.greeting.answer(Buffer.from(answer)));
	source.greeting = open(a, source, target, there, Buffer.from(hello), () => {});
	return [source, target];
}

async function until(condition: () => boolean): Promise<void> {
	for (let n = 0; n < 500 && !condition(); n++) await sleep(10);
}

test("both sides hear each other and have the same keys, of this handshake only", async (t) => {
	const ends: [End, End] = [new End(key), new End(key)];
	const seen: LinkKeys[] = [];
	for (let n = 0; n < 2; n++) {
		const [source, target] = meet(ends, "I am the source", "and I the target");
		await until(() => source.keys !== null);
		t.is(target.heard, "I am the source");
		t.is(source.heard, "and I the target");
		t.deepEqual(source.keys, target.keys);
		seen.push(source.keys!);
		for (const outcome of [source, target]) {
			const wire = Buffer.concat(outcome.sent);
			t.false(wire.includes("I am the source") || wire.includes("and I the target"), "nothing is said in clear");
			t.true(
				outcome.sent.every((bytes) => bytes[0]! >= 20 && bytes[0]! <= 23 && bytes[1] === 3),
				"TLS records",
			);
		}
		// Until the first frame comes, the target waits.
		await sleep(50);
		t.is(target.failed ?? source.failed ?? null, null);
		for (const each of [source, target]) each.greeting.close();
	}
	const all = seen.flatMap(({ fromSource, fromTarget, join }) => [fromSource, fromTarget, join]).map(String);
	t.is(new Set(all).size, 6, "by direction, purpose and handshake");
	await until(() => ends.every(({ engine }) => engine.size === 0));
	t.deepEqual(
		ends.map(({ engine }) => engine.size),
		[0, 0],
	);
});

test("another key: both sides fail, and say what to do", async (t) => {
	const [source, target] = meet([new End(key), new End(randomBytes(32))], "source", "target");
	await until(() => source.failed !== null && target.failed !== null);
	t.is(target.failed, wrongKey);
	t.is(source.failed, wrongKey);
	t.is(source.heard ?? target.heard, null);
});

test("what is changed, left out or played again on the way ends the handshake", async (t) => {
	for (let changed = 0; changed < 3; changed++) {
		let n = 0;
		const flip: Way = (bytes) => {
			if (n++ === changed) bytes[bytes.length - 1]! ^= 1;
			return bytes;
		};
		const [source, target] = meet([new End(key), new End(key)], "source", "target", flip);
		await until(() => target.failed !== null);
		t.not(target.failed, null, `record ${changed}`);
		t.is(target.keys, null);
		t.is(source.keys, null);
	}
	const recorded: Buffer[] = [];
	const [first] = meet([new End(key), new End(key)], "source", "target", (bytes) => {
		recorded.push(Buffer.from(bytes));
		return bytes;
	});
	await until(() => first.keys !== null);
	const again = new End(key);
	const replay: { failed: string | null; heard: boolean } = { failed: null, heard: false };
	const greeting = again.greeter.open(null, {
		send: () => {},
		heard: () => Object.assign(replay, { heard: true }),
		failed: (why) => Object.assign(replay, { failed: why }),
	});
	for (const bytes of recorded) greeting.received(bytes);
	await until(() => replay.failed !== null);
	t.not(replay.failed, null);
	t.false(replay.heard);
	Object.assign(replay, { failed: null });
	const halfway = again.greeter.open(null, {
		send: () => {},
		heard: () => Object.assign(replay, { heard: true }),
		failed: (why) => Object.assign(replay, { failed: why }),
	});
	halfway.received(recorded[0]!);
	halfway.received(Buffer.from([21, 3, 3, 0, 2, 1, 0]));
	await until(() => replay.failed !== null);
	t.not(replay.failed, null, "an end in clear after a greeting that was recorded");
	t.false(replay.heard);
});

test("a greeting that does not end, or is too long, is not kept", async (t) => {
	const [source, target] = meet([new End(key), new End(key)], "x".repeat(5000), "target");
	await until(() => target.failed !== null);
	t.regex(target.failed!, /too long/);
	t.is(source.keys, null);
});

/** A stranger's TLS client against a target. */
async function stranger(options: ConnectionOptions): Promise<{ failed: string | null; heard: boolean; seen: string }> {
	const end = new End(key);
	const got = { failed: null as string | null, heard: false, seen: "" };
	const wire = new Duplex({
		read: () => {},
		write: (chunk: Buffer, _encoding, done) => {
			greeting.received(chunk);
			done();
		},
	});
	const greeting = end.greeter.open(null, {
		send: (bytes) => wire.push(bytes),
		heard: () => {
			got.heard = true;
		},
		failed: (why) => {
			got.failed = why;
		},
	});
	const socket: TLSSocket = connect({ socket: wire, rejectUnauthorized: false, ...options });
	socket.on("error", (error) => {
		got.seen = (error as NodeJS.ErrnoException).code ?? error.message;
	});
	socket.on("secureConnect", () => socket.end("hello"));
	await until(() => got.failed !== null);
	socket.destroy();
	return got;
}

test("no way in without the key: no certificates, no older TLS, no other name, no plain text", async (t) => {
	const named = (identity: string, psk = key) => ({ pskCallback: () => ({ psk, identity }) }) as ConnectionOptions;
	for (const options of [
		{},
		{ maxVersion: "TLSv1.2" as const, ...named("opensafe replication"), ciphers: "PSK-AES128-GCM-SHA256:PSK" },
		named("opensafe replication", randomBytes(32)),
		named("somebody else"),
	]) {
		const got = await stranger(options);
		t.false(got.heard);
		t.not(got.failed, null);
	}
	const end = new End(key);
	const failed = await new Promise<string>((resolve) => {
		const greeting = end.greeter.open(null, { send: () => {}, heard: () => t.fail(), failed: resolve });
		greeting.received(Buffer.from("GET / HTTP/1.0\r\n\r\n"));
	});
	t.regex(failed, /TLS handshake failed/);
});

test("handshakes at a time are bounded", async (t) => {
	const end = new End(key);
	const failed: string[] = [];
	for (let n = 0; n < 40; n++)
		end.greeter.open(null, { send: () => {}, heard: () => {}, failed: (why) => failed.push(why) });
	await until(() => failed.length === 24);
	t.is(failed.length, 24);
	t.is(end.engine.size, 16);
});
