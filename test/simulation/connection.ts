/** The replication link as both processes see it: an ordered stream that notices by its own pulses that it broke. */
import type { World } from "./world.ts";

/** One end, as the connection needs it. */
export interface End {
	readonly index: 0 | 1;
	/** The process lives and its machine is not stopped. */
	runs(): boolean;
	alive(): boolean;
	received(connection: Connection, message: Message): void;
	broken(connection: Connection): void;
}

// biome-ignore lint/suspicious/noExplicitAny: the two processes know their own messages
export type Message = { is: string } & Record<string, any>;

const pulseMs = 250;
const resendMs = 120;

export class Connection {
	readonly term: number;
	readonly #world: World;
	readonly #lan: number;
	readonly #ends: readonly [End, End];
	readonly #timeoutMs: number;
	/** When the last of this end's pulses that the other has confirmed was sent: a one-way loss is a loss on both. */
	#confirmedMs: [number, number];
	/** The newest pulse of the other end, by its time of sending. */
	#newestMs: [number, number];
	#open: [boolean, boolean] = [true, true];
	#queues: [Message[], Message[]] = [[], []];
	#pumping: [boolean, boolean] = [false, false];

	constructor(world: World, lan: number, ends: readonly [End, End], term: number, timeoutMs: number) {
		this.#world = world;
		this.#lan = lan;
		this.#ends = ends;
		this.term = term;
		this.#timeoutMs = timeoutMs;
		this.#confirmedMs = [world.nowMs, world.nowMs];
		this.#newestMs = [world.nowMs, world.nowMs];
		this.#tick(0);
		this.#tick(1);
	}

	send(from: 0 | 1, message: Message): undefined {
		if (!this.#open[from]) return;
		this.#queues[from].push(message);
		this.#pump(from);
	}

	/** This end is done with it; the other hears of it if the network lets it. */
	close(side: 0 | 1): undefined {
		if (!this.#open[side]) return;
		this.#open[side] = false;
		const other = side === 0 ? 1 : 0;
		this.#world.packet(this.#lan, side, () => this.#break(other));
	}

	/** The machine is gone: nobody tells the other. */
	vanish(side: 0 | 1): undefined {
		this.#open[side] = false;
	}

	#pump(from: 0 | 1): undefined {
		if (this.#pumping[from] || this.#queues[from].length === 0) return;
		this.#pumping[from] = true;
		const to = from === 0 ? 1 : 0;
		const world = this.#world;
		const attempt = (): undefined => {
			if (!this.#open[to] || !this.#ends[from].alive()) return;
			if (!world.passes(this.#lan, from) || !this.#ends[to].runs()) return world.after(resendMs, attempt);
			world.after(world.delay(this.#lan, from), () => {
				this.#pumping[from] = false;
				const batch = this.#queues[from].splice(0);
				for (const message of batch) if (this.#open[to]) this.#ends[to].received(this, message);
				this.#pump(from);
			});
		};
		attempt();
	}

	#tick(side: 0 | 1): undefined {
		const world = this.#world;
		if (!this.#open[side] || !this.#ends[side].alive()) return;
		const other = side === 0 ? 1 : 0;
		if (this.#ends[side].runs()) {
			if (world.nowMs - this.#confirmedMs[side] > this.#timeoutMs) return this.#break(side);
			const sentMs = world.nowMs;
			const echoMs = this.#newestMs[side];
			world.packet(this.#lan, side, () => {
				if (!this.#open[other]) return;
				this.#newestMs[other] = Math.max(this.#newestMs[other], sentMs);
				this.#confirmedMs[other] = Math.max(this.#confirmedMs[other], echoMs);
			});
		}
		world.after(pulseMs, () => this.#tick(side));
	}

	#break(side: 0 | 1): undefined {
		if (!this.#open[side]) return;
		this.#open[side] = false;
		if (!this.#ends[side].alive()) return;
		this.#ends[side].broken(this);
		const other = side === 0 ? 1 : 0;
		this.#world.packet(this.#lan, side, () => this.#break(other));
	}
}
