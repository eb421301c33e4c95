/** A session as its target: listens, takes what the source sends, and knows whether this node may be promoted. */
import type { Epoch, SessionOrder } from "../../engine/replication.ts";
import { SafekitError } from "../../errors.ts";
import type { Context } from "../control/context.ts";
import { errnoName } from "../errno.ts";
import { type Channel, refusedText } from "../link/channel.ts";
import { Listener } from "../link/endpoints.ts";
import { Reception } from "../link/reception.ts";
import { newIncarnation } from "../primary/source.ts";
import { Salvage } from "../quarantine/salvage.ts";
import { type Hello, protocol } from "../wire/handshake.ts";
import type { Message } from "../wire/messages.ts";
import type { Difference } from "./difference.ts";
import { Receiver } from "./receiver.ts";
import { emptyLimbo } from "./repairs.ts";

export class Target {
	readonly #context: Context;
	readonly #order: SessionOrder;
	readonly #listener: Listener;
	readonly #atTheDoor: Reception;
	/** Dies with what was received: another process, or another session, is another one. */
	readonly #incarnation = newIncarnation();
	#receiver: Receiver | null = null;
	#salvage: Salvage | null = null;
	#channel: Channel | null = null;
	#promotable = false;
	#broken = false;
	/** Syncs that had failed before the copy began: what they lost is found by comparing with the disk itself. */
	#failures = 0;
	#told = false;
	#over = false;
	#lastRefusal = "";

	/** @throws SafekitError REPLICATION_LISTEN. */
	constructor(context: Context, order: SessionOrder) {
		this.#context = context;
		this.#order = order;
		this.#atTheDoor = this.#reception();
		this.#listener = new Listener(context.loop, context.system, context.config.listen, (fd) =>
			this.#atTheDoor.accept(fd),
		);
	}

	get order(): SessionOrder {
		return this.#order;
	}

	/** Everything that the source acknowledged is here, applied or waiting to be. */
	get promotable(): boolean {
		return this.#promotable && !this.#broken;
	}

	/** The last number received. */
	get seq(): number {
		return this.#receiver?.received ?? 0;
	}

	/** A change could not be applied: this node lacks something. */
	get broken(): boolean {
		return this.#broken;
	}

	/** Ends the session from this side: nothing is received any more, what was received is applied, then `done`. */
	stop(farewell: boolean, done: () => void): void {
		if (!this.#over) {
			this.#over = true;
			this.#listener.close();
			this.#atTheDoor.close();
			const channel = this.#channel;
			this.#channel = null;
			this.#receiver?.attach(null);
			if (farewell) channel?.send({ is: "farewell" });
			channel?.close();
			if (channel !== null) this.#context.fact({ fact: "link", up: false });
		}
		if (this.#receiver === null) done();
		else this.#receiver.drain(done);
	}

	#reception(): Reception {
		const { loop, system, config, greeter } = this.#context;
		return new Reception(loop, system, greeter, config.sendTimeoutMs, (done) => ({
			gcm: system.gcm,
			silenceMs: config.linkTimeoutMs,
			hello: (other) => this.#hello(other!),
			met: (channel, other, own) => {
				done();
				this.#met(channel, other, own);
			},
			refused: (why, tell) => {
				done();
				if (tell) this.#refused(why);
			},
		}));
	}

	#hello(other: Hello): Hello {
		const { config } = this.#context;
		const resumes = other.resume && other.incarnation === this.#incarnation && this.#receiver !== null && !this.#broken;
		// While copying nothing is lost by beginning again; afterwards it would give up what may be the only copy.
		const refusal =
			!other.resume && this.#promotable ? "this side is up to date and waits for the session to go on" : "";
		return {
			protocol,
			module: config.module,
			node: config.node,
			peer: config.peer,
			term: this.#order.term,
			source: false,
			outcome: this.#order.outcome,
			incarnation: this.#incarnation,
			resume: resumes,
			received: resumes ? this.#receiver!.acknowledged : null,
			sealed: config.sealed,
			connections: config.connections,
			refusal,
		};
	}

	#refused(why: string): void {
		if (why === this.#lastRefusal) return;
		this.#lastRefusal = why;
		this.#context.log("W", "rfsplug", `A replication session was refused: ${why}`);
	}

	#met(channel: Channel, other: Hello, own: Hello): void {
		if (other.resume && own.received === null) {
			channel.close();
			return;
		}
		this.#lastRefusal = "";
		// The source knows better than we whether the old connection still lives.
		const old = this.#channel;
		old?.close();
		this.#channel = channel;
		channel.handOver({
			received: (message, bytes) => this.#received(message, bytes),
			ended: (why, refused) => this.#ended(why, refused),
		});
		try {
			if (!other.resume) this.#begin();
		} catch (error) {
			if (!(error instanceof SafekitError)) throw error;
			this.#break(error.message);
			return;
		}
		this.#receiver!.attach(channel);
		if (!other.resume) channel.send({ is: "accepted", ...wordsOn(this.#context) });
		if (old === null) this.#context.fact({ fact: "link", up: true });
	}

	/** §5.8 step 1: from the first repair on the content here is mixed. */
	#begin(): void {
		const { records } = this.#context;
		this.#receiver?.stop();
		// Everything is compared anew, so what could not be applied before is made good.
		this.#broken = false;
		const { disks } = this.#context;
		this.#failures = disks.failures;
		const cold = disks.failures > 0 || records.crashed || records.now.copying;
		this.#salvage?.close();
		this.#salvage = new Salvage(this.#context, this.#order.outcome);
		// An interrupted copy that kept what it overwrote goes on to do so.
		const keeping = this.#order.quarantine || records.now.keeping === true;
		const role = { was: "secondary", sinceTerm: this.#order.term } as const;
		records.change({ term: this.#order.term, role, copying: true, keeping, alone: null, seal: "open" }, true);
		for (const { tree } of this.#context.volumes) {
			tree.emptyKept();
			this.#context.log("E", "reintegre", `Updating directory tree from ${tree.path}`);
		}
		this.#receiver = new Receiver(this.#context, this.#salvage, cold, {
			finish: (epoch) => this.#finish(epoch),
			promotable: (files, bytes) => this.#becomePromotable(files, bytes),
			checkpoint: (number, recorded) => this.#checkpoint(number, recorded),
			broken: (why, differs) => this.#break(why, differs),
		});
	}

	#received(message: Message, bytes: number): void {
		if (message.is !== "farewell") {
			this.#receiver!.take(message, bytes);
			return;
		}
		const channel = this.#channel;
		this.#channel = null;
		channel?.close();
		this.#lost();
	}

	/** §5.8 step 4: apply (done: it is our turn), sync, take over the epoch, and only then be whole again. */
	#finish(epoch: Epoch): void {
		const receiver = this.#receiver!;
		const { disks } = this.#context;
		disks.sync(() => {
			if (receiver !== this.#receiver || receiver.stopped) return;
			const failed = disks.failure(this.#failures);
			if (failed < 0) {
				receiver.stop();
				this.#break(`syncfs: ${errnoName(failed)}`);
				return;
			}
			try {
				disks.madeGood(this.#failures);
				this.#salvage?.end();
				const { checkpoint } = this.#context.records.now;
				// What the other side recorded before, it may have lost: it holds the same now, whatever its number is.
				const forgotten = { own: checkpoint.own, peer: 0 };
				this.#context.records.change({
					...this.#context.records.settled,
					epoch,
					copying: false,
					keeping: false,
					checkpoint: forgotten,
				});
				for (const { marks } of this.#context.volumes) marks.drop();
			} catch (error) {
				if (!(error instanceof SafekitError)) throw error;
				receiver.stop();
				this.#break(error.message);
				return;
			}
			this.#context.wishes.sinceMs = null;
			this.#channel?.send({ is: "finished" });
		});
	}

	/** §5.4 rule 3; it was applied, and what comes after it may be synced with it. */
	#checkpoint(number: number, recorded: number): void {
		const receiver = this.#receiver!;
		const { disks } = this.#context;
		disks.sync(() => {
			if (receiver !== this.#receiver || receiver.stopped) return;
			try {
				const failed = disks.failure(this.#failures);
				if (failed < 0) throw new SafekitError("REPLICATION_DISK", `syncfs: ${errnoName(failed)}`);
				this.#context.records.change({ checkpoint: { own: number, peer: recorded } });
			} catch (error) {
				if (!(error instanceof SafekitError)) throw error;
				receiver.stop();
				this.#break(error.message);
				return;
			}
			this.#channel?.send({ is: "checkpointed", number });
		});
	}

	#becomePromotable(files: number, bytes: number): void {
		this.#promotable = true;
		if (this.#told) return;
		this.#told = true;
		this.#context.fact({ fact: "synced", term: this.#order.term, files, bytes });
		// What the source lacks has waited in limbo for a name until now.
		emptyLimbo(this.#context, () => this.#over);
	}

	#break(why: string, differs: Difference | null = null): void {
		if (this.#broken) return;
		this.#broken = true;
		this.#context.records.markCrashed();
		this.#context.log("E", "rfsplug", `A change of the other server cannot be applied here: ${why}`);
		this.#context.fact({ fact: "applyFailed", message: why });
		const channel = this.#channel;
		this.#channel = null;
		channel?.send({ is: "broken", why, dir: differs?.dir ?? 0, differs: differs?.directory ?? 0n });
		channel?.close();
		this.#lost();
	}

	#ended(why: string, refused: boolean): void {
		if (refused) this.#context.log("E", "rfsplug", refusedText(why));
		else this.#context.log("I", "rfsplug", `The replication link ended: ${why}`);
		this.#channel = null;
		this.#lost();
	}

	#lost(): void {
		this.#receiver?.attach(null);
		this.#context.fact({ fact: "linkLost", promotable: this.promotable });
		this.#context.fact({ fact: "link", up: false });
	}
}

/** What a person says of this copy: made by hand, and no session has given its files their ids yet; or up to date then. */
function wordsOn({ records, wishes }: Context): { adopts: boolean; sinceMs: number } {
	const { declared } = records.now;
	const adopts = declared?.role === "second" && declared.open;
	return { adopts: adopts || wishes.sinceMs !== null, sinceMs: wishes.sinceMs ?? 0 };
}
