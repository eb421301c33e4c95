/** A session as its source: connects, copies, completes, freezes when the link ends, and tries to go on. */
import { randomBytes } from "node:crypto";
import type { SessionOrder } from "../../engine/replication.ts";
import { SafekitError } from "../../errors.ts";
import { type Context, markAll } from "../control/context.ts";
import { type Channel, refusedText } from "../link/channel.ts";
import { Connection } from "../link/connection.ts";
import { dial } from "../link/endpoints.ts";
import { type DialMore, Meeting } from "../link/meeting.ts";
import type { Cancel } from "../loop/dataLoop.ts";
import { SessionMarks } from "../marks/sessionMarks.ts";
import type { FileRef } from "../operation.ts";
import { sharedEpoch } from "../records/node.ts";
import { Resync } from "../resync/resync.ts";
import { type Verified, Verify } from "../resync/verify.ts";
import { type Hello, protocol } from "../wire/handshake.ts";
import type { Message } from "../wire/messages.ts";
import type { Primary } from "./primary.ts";

/** §5.5 step 2. */
const resumeMs = 2000;
const redialMs = 200;

type Phase = "calling" | "copying" | "finishing" | "complete" | "resuming" | "over";

export class Source {
	readonly #context: Context;
	readonly #primary: Primary;
	readonly #order: SessionOrder;
	#phase: Phase = "calling";
	#accepted = false;
	#incarnation = "";
	#attempt: Cancel | null = null;
	#channel: Channel | null = null;
	#resync: Resync | null = null;
	#verify: Verify | null = null;
	#verified: (result: Verified | Error) => void = () => {};
	#resumeUntil: Cancel | null = null;
	readonly #marks: SessionMarks;
	#lastRefusal = "";

	constructor(context: Context, primary: Primary, order: SessionOrder) {
		this.#context = context;
		this.#primary = primary;
		this.#order = order;
		const { records } = context;
		this.#marks = new SessionMarks(context, order.term, {
			send: (message) => {
				this.#channel?.send(message);
				this.#channel?.flush();
			},
			record: (number) => this.#record(() => records.change({ checkpoint: { own: number, peer: number } })),
			syncFailed: (result) => primary.sink(context.volumes[0]!).diskFailed(result),
		});
		primary.term = order.term;
		primary.onUntold = (why) => {
			this.#context.log("E", "rfsplug", `A change cannot be told to the other server: ${why}`);
			this.#context.loop.post(() => this.#gone(why, true));
		};
		primary.onLate = (why) => this.#channel?.fail(why);
		// Until that is on disk here the target must not begin: interrupted, only these marks say what is left to compare.
		if (order.everything) markAll(context, () => this.#marked());
		else this.#call();
	}

	#marked(): void {
		if (this.#context.volumes.every(({ marks }) => !marks.failed)) {
			this.#call();
			return;
		}
		const message = "the marks cannot be written, so a copy that is interrupted could not go on";
		this.#context.fact({ fact: "failed", order: "session", code: "REPLICATION_DISK", message });
	}

	/** The target has accepted the term durably. */
	get accepted(): boolean {
		return this.#accepted && this.#phase !== "over";
	}

	/** Both sides have the same; acknowledgements wait for the peer. */
	get complete(): boolean {
		return this.#phase === "complete" || this.#phase === "resuming";
	}

	/** Changes wait for the target already, but `alone` still stands. */
	get finishing(): boolean {
		return this.#phase === "finishing";
	}

	get over(): boolean {
		return this.#phase === "over";
	}

	get order(): SessionOrder {
		return this.#order;
	}

	/** Compares both copies; while that runs, another order waits for the same end. `done` once. */
	verify(done: (result: Verified | Error) => void): void {
		const before = this.#verified;
		this.#verified = (result) => {
			this.#verify = null;
			this.#verified = () => {};
			before(result);
			done(result);
		};
		if (this.#channel === null || !this.complete) {
			this.#unverified();
			return;
		}
		this.#verify ??= new Verify(this.#context, this.#primary, this.#channel, (result) => this.#verified(result));
	}

	/** The link is gone: the answers will not come. */
	#unverified(): void {
		this.#verify?.cancel();
		this.#verified(
			new SafekitError("REPLICATION_ORDER", "the session was interrupted while both copies were compared"),
		);
	}

	/** Tells the target that the session ends on purpose, and forgets it. */
	stop(): void {
		this.#channel?.send({ is: "farewell" });
		this.#drop();
		this.#phase = "over";
		this.#primary.unlink();
	}

	/** §5.5 step 2 is over, or makes no sense: the peer does not come back. */
	#lost(why: string): void {
		this.#drop();
		this.#phase = "over";
		this.#context.fact({ fact: "peerLost", why });
	}

	#drop(): void {
		this.#attempt?.cancel();
		this.#attempt = null;
		this.#resumeUntil?.cancel();
		this.#resumeUntil = null;
		this.#resync?.cancel();
		this.#resync = null;
		this.#unverified();
		this.#marks.stop(this.#phase !== "complete" && this.#phase !== "resuming");
		if (this.#channel === null) return;
		this.#channel.close();
		this.#channel = null;
		this.#context.fact({ fact: "link", up: false });
	}

	#call(): void {
		if (this.#phase === "over") return;
		this.#attempt = this.#dial((result) => {
			this.#attempt = null;
			if ("why" in result) this.#again(result.why, false);
			else this.#meet(result.connection);
		});
	}

	#dial: DialMore = (done) => {
		const { loop, system, config } = this.#context;
		const none = { received: () => {}, ended: () => {} };
		return dial(loop, system, config.connect, (result) => {
			if ("why" in result) done(result);
			else done({ connection: new Connection(loop, system, result.fd, config.sendTimeoutMs, none) });
		});
	};

	#meet(connection: Connection): void {
		const { loop, config, greeter } = this.#context;
		const meeting = new Meeting(loop, greeter, connection, this.#dial, {
			gcm: this.#context.system.gcm,
			silenceMs: config.linkTimeoutMs,
			hello: () => this.#hello(),
			met: (channel, other) => this.#met(channel, other),
			refused: (why, tell) => this.#again(why, tell),
		});
		this.#attempt = { cancel: () => meeting.cancel() };
	}

	#hello(): Hello {
		const { config } = this.#context;
		return {
			protocol,
			module: config.module,
			node: config.node,
			peer: config.peer,
			term: this.#order.term,
			source: true,
			outcome: this.#order.outcome,
			incarnation: this.#incarnation,
			resume: this.#phase === "resuming",
			received: null,
			sealed: config.sealed,
			connections: config.connections,
			refusal: "",
		};
	}

	#again(why: string, tell: boolean): void {
		this.#attempt = null;
		if (tell && why !== this.#lastRefusal)
			this.#context.log("W", "rfsplug", `The other server refuses the replication session: ${why}`);
		if (tell) this.#lastRefusal = why;
		const retry = this.#context.loop.timer(redialMs, () => this.#call());
		this.#attempt = retry;
	}

	#met(channel: Channel, other: Hello): void {
		this.#attempt = null;
		this.#channel = channel;
		this.#lastRefusal = "";
		channel.handOver({
			received: (message) => this.#received(message),
			ended: (why, refused) => this.#ended(why, refused),
		});
		if (this.#phase === "resuming") {
			this.#resume(channel, other);
			return;
		}
		this.#incarnation = other.incarnation;
		const { records } = this.#context;
		const role = { was: "primary", sinceTerm: this.#order.term } as const;
		this.#record(() => records.change({ term: this.#order.term, role, seal: "open" }, true));
	}

	/** A record that cannot be written ends the session: nothing may rest on it. */
	#record(write: () => void): boolean {
		try {
			write();
			return true;
		} catch (error) {
			if (!(error instanceof SafekitError)) throw error;
			this.#context.fact({ fact: "diskFailed", message: error.message });
			this.#channel?.fail(error.message);
			return false;
		}
	}

	#resume(channel: Channel, other: Hello): void {
		if (other.received === null || other.incarnation !== this.#incarnation) {
			this.#lost("its replication process is no longer the one that had the data");
			return;
		}
		this.#resumeUntil?.cancel();
		this.#resumeUntil = null;
		this.#phase = "complete";
		// Its word of being up to date may have been lost with the link.
		channel.send({ is: "promotable", files: 0, bytes: 0 });
		this.#primary.thaw(channel, other.received);
		this.#marks.resume();
		this.#context.fact({ fact: "link", up: true });
		this.#context.fact({ fact: "thawed" });
	}

	#received(message: Message): void {
		switch (message.is) {
			case "accepted":
				this.#begin(message);
				break;
			case "received":
				this.#primary.peerReceived(message.seq);
				this.#resync?.heard();
				break;
			case "synced":
				this.#primary.peerSynced(message.seq);
				break;
			case "listed":
			case "compared":
			case "absent":
				if (this.#verify?.answered(message) !== true) this.#resync?.answered(message);
				break;
			case "placed":
			case "marks":
				this.#resync?.answered(message);
				break;
			case "checkpointed":
				this.#marks.answered(message.number);
				break;
			case "finished":
				if (this.#phase === "finishing") this.#finished();
				break;
			case "broken":
				this.#context.log("E", "rfsplug", `The other server cannot apply a change: ${message.why}`);
				if (message.differs !== 0n) this.#suspect(message.dir, message.differs);
				this.#gone(`the other server cannot apply a change: ${message.why}`, true);
				break;
			case "farewell":
				this.#gone("the other server ended the session", true);
				break;
			default:
				this.#channel?.fail(`a message "${message.is}" that only the source sends`);
		}
	}

	#begin({ adopts, sinceMs }: Extract<Message, { is: "accepted" }>): void {
		if (this.#phase !== "calling" || this.#channel === null) return;
		this.#phase = "copying";
		this.#context.fact({ fact: "link", up: true });
		if (!this.#accepted) this.#context.fact({ fact: "accepted", term: this.#order.term });
		this.#accepted = true;
		const channel = this.#channel;
		this.#marks.begin(this.#order.everything, () => {
			if (this.#channel !== channel || this.#phase !== "copying") return;
			this.#resync = new Resync(this.#context, this.#primary, channel, { ...this.#order, adopts, sinceMs }, () =>
				this.#finish(),
			);
			this.#primary.copying(channel, this.#resync.filter);
			this.#resync.begin();
		});
	}

	/** §5.8 step 4. */
	#finish(): void {
		const { records } = this.#context;
		const { own } = records.now.checkpoint;
		const change = { epoch: sharedEpoch(records.now.epoch), checkpoint: { own, peer: 0 } };
		if (!this.#record(() => records.change(change))) return;
		this.#phase = "finishing";
		this.#primary.pair(this.#channel!);
		this.#channel!.send({ is: "finish", epoch: records.now.epoch! });
		this.#marks.finish();
	}

	/** A checkpoint of everything, for a planned stop; `done` comes in any case. */
	checkpoint(done: () => void): void {
		this.#marks.checkpoint(done);
	}

	/** §5.8 step 5: the peer is durably equal; only now this node gives up its right to start without it. */
	#finished(): void {
		const { records, fact } = this.#context;
		if (!this.#record(() => records.change({ ...records.settled, alone: null }))) return;
		for (const { marks } of this.#context.volumes) marks.byName = false;
		const { files, bytes } = this.#resync!.end();
		this.#channel!.send({ is: "promotable", files, bytes });
		this.#phase = "complete";
		this.#resync = null;
		this.#marks.complete();
		fact({ fact: "synced", term: this.#order.term, files, bytes });
	}

	/** A difference that nothing had named: the directory is compared before the peer is up to date again. */
	#suspect(dir: number, directory: FileRef): void {
		this.#context.log("E", "rfsplug", "A difference was found that no mark names: its directory is compared anew");
		this.#context.volumes[dir]?.marks.found({ directory });
	}

	#ended(why: string, refused: boolean): void {
		if (refused) this.#context.log("E", "rfsplug", refusedText(why));
		this.#gone(why, false);
	}

	/** @param final the other side has said that it will not go on. */
	#gone(why: string, final: boolean) {
		if (this.#phase === "over") return;
		this.#drop();
		if (this.#phase === "complete") {
			this.#primary.freeze();
			this.#context.fact({ fact: "frozen", why });
			if (final) return this.#lost(why);
			this.#phase = "resuming";
			this.#resumeUntil = this.#context.loop.timer(resumeMs, () => this.#lost(why));
			this.#call();
			return;
		}
		// Not complete: `alone` is still recorded, so whatever waits may be acknowledged, under a line of its own.
		if (this.#phase === "finishing") {
			if (this.#primary.mode === "paired") {
				if (this.#record(() => this.#context.records.mint())) this.#primary.goAlone(this.#order.term);
				else this.#primary.fail();
			}
		}
		this.#primary.unlink();
		this.#phase = "calling";
		this.#context.log("W", "rfsplug", `The synchronisation was interrupted and begins again: ${why}`);
		this.#again(why, false);
	}
}

/** Of a replication process: what it received dies with it. */
export const newIncarnation = (): string => randomBytes(8).toString("hex");
