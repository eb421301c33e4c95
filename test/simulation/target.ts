/** The secondary's side of a session: receive in order, acknowledge, apply later; repair at the start (§5.8). */
import type { Message } from "./connection.ts";
import type { Replica } from "./replica.ts";

export interface Operation {
	seq: number;
	key: number;
	value: number;
	durable: boolean;
}

export class Target {
	readonly replica: Replica;
	readonly term: number;
	received = 0;
	promotable = false;
	spoilt = false;
	#stopped = false;
	#queue: Operation[] = [];
	#applying = false;

	constructor(replica: Replica, term: number) {
		this.replica = replica;
		this.term = term;
	}

	/** Nothing is taken from the link any more. */
	stop(): undefined {
		this.#stopped = true;
	}
	get over(): boolean {
		return this.#stopped;
	}

	lost(): undefined {
		const promotable = this.promotable && !this.spoilt;
		this.replica.standing = { fact: "linkLost", promotable };
		this.replica.fact(this.replica.standing);
	}

	/** The disk refuses a change: not promotable any more. */
	spoil(): undefined {
		if (this.spoilt || this.#stopped) return;
		this.spoilt = true;
		this.promotable = false;
		this.replica.disk.record({ crashed: true });
		this.replica.record({});
		this.replica.fact({ fact: "applyFailed", message: "disk full" });
		this.replica.closeLink();
	}

	applyAll(): undefined {
		for (const operation of this.#queue.splice(0)) this.#apply(operation);
	}

	#apply(operation: Operation): undefined {
		if (!this.spoilt) this.replica.disk.put(operation.key, operation.value);
	}

	received1(message: Message): undefined {
		if (this.#stopped) return;
		const { replica } = this;
		const link = replica.link;
		const send = (answer: Message): undefined => link?.send(replica.index, answer);
		switch (message.is) {
			case "operation":
				return this.#receive(message.operation as Operation, send);
			case "copy":
				return this.#copy(message.key, message.value, message.quarantine);
			case "finish":
				return this.#finish(message, send);
			case "promotable":
				this.promotable = true;
				replica.record({ checkpoint: { ...replica.records.checkpoint, peer: message.checkpoint } });
				replica.standing = { fact: "synced", term: this.term, files: message.files, bytes: message.files };
				return replica.fact(replica.standing);
			case "checkpoint":
				this.applyAll();
				return replica.syncThen(() => {
					if (this.#stopped || this.spoilt) return;
					replica.record({ checkpoint: { ...replica.records.checkpoint, own: message.checkpoint } });
					send({ is: "checkpointed", checkpoint: message.checkpoint, seq: message.seq });
				});
			case "checkpointKnown":
				replica.record({ checkpoint: { ...replica.records.checkpoint, peer: message.checkpoint } });
				return;
			default:
				return;
		}
	}

	#receive(operation: Operation, send: (answer: Message) => void): undefined {
		// Sent again after a break: dropped by its number.
		if (operation.seq > this.received) {
			this.replica.world.oracle.receives(this, operation);
			this.received = operation.seq;
			this.#queue.push(operation);
			this.#applySoon();
		}
		send({ is: "ack", seq: this.received });
		if (!operation.durable && !this.replica.none) return;
		this.replica.after(this.replica.diskMs(), () => {
			if (this.#stopped || this.spoilt) return;
			this.applyAll();
			this.replica.disk.syncFile(operation.key);
			send({ is: "durable", seq: operation.seq });
		});
	}

	#applySoon(): undefined {
		if (this.#applying) return;
		this.#applying = true;
		this.replica.after(this.replica.world.random.between(1, 40), () => {
			this.#applying = false;
			this.applyAll();
		});
	}

	#copy(key: number, value: number, quarantine: boolean): undefined {
		const { memory, quarantine: kept } = this.replica.disk;
		this.applyAll();
		const old = memory[key] as number;
		if (old === value) return;
		if (quarantine) kept.push(old);
		this.replica.world.oracle.overwrites(this.replica, key, old, value, quarantine);
		this.replica.disk.put(key, value);
	}

	/** §5.8 step 4. */
	#finish(message: Message, send: (answer: Message) => void): undefined {
		this.applyAll();
		const { replica } = this;
		// Changes of files that were still to be copied were not sent; the copies hold them.
		this.received = Math.max(this.received, message.seq);
		replica.world.oracle.resynced(replica, message.cells, { term: this.term, seq: message.seq });
		replica.syncThen(() => {
			if (this.#stopped || this.spoilt) return;
			replica.disk.marks.clear();
			const checkpoint = { own: message.checkpoint, peer: replica.records.checkpoint.peer };
			replica.world.oracle.takesOver(replica);
			replica.record({ epoch: message.epoch, copying: false, keeping: false, checkpoint });
			send({ is: "finished" });
		});
	}
}
