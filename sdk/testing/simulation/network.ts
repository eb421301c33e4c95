/**
 * The networks between the two servers: heartbeats and what the servers tell each other. Pulses are not sent one by
 * one; what they would lead to is: a heartbeat is up soon after its network carries, and down when its timeout is over.
 */

import type { Alarm } from "../../../core/engine/clock.ts";
import type { Announcement, EngineEvent } from "../../../core/engine/contract.ts";
import type { HeartConfiguration } from "../../../core/module/configuration.ts";
import type { Life } from "./clock.ts";
import type { Lans } from "./lans.ts";

/** How long a word takes to the other server. */
const wayMs = 5;

/** One server on the networks, between two power cuts. */
export interface Station {
	readonly name: string;
	readonly life: Life;
	deliver(event: EngineEvent): void;
	/** What the other server's pulses carry. */
	hear(resources: Record<string, string>): void;
}

interface Present {
	station: Station;
	says: { says: Announcement; resources: Record<string, string> } | null;
	/** Idents of the heartbeats that are up here. */
	up: Set<string>;
	/** An ident was spoken of since the station came. */
	spoken: Set<string>;
	/** What is to be said of each ident, unless its network changes before. */
	coming: Map<string, { carries: boolean; alarm: Alarm }>;
}

export class Network {
	readonly #heartbeats: HeartConfiguration["heartbeats"];
	readonly #lans: Lans;
	readonly #present = new Map<string, Present>();
	readonly #changed: () => void;

	/** `changed`: which server reaches which one may have changed. */
	constructor(heart: HeartConfiguration | null, lans: Lans, changed: () => void) {
		this.#heartbeats = heart?.heartbeats ?? [];
		this.#lans = lans;
		this.#changed = changed;
	}

	/** The network carries, and both servers are there. */
	carries(lan: string): boolean {
		const [one, other, ...more] = this.#present.keys();
		if (one === undefined || other === undefined || more.length > 0) return false;
		return this.#lans.carries(lan, one, other);
	}

	/** What the networks carry has changed. */
	lansChanged(): void {
		this.#look();
	}

	join(station: Station): void {
		this.#present.set(station.name, { station, says: null, up: new Set(), spoken: new Set(), coming: new Map() });
		this.#look();
	}

	leave(station: Station): void {
		if (this.#present.get(station.name)?.station !== station) return;
		this.#present.delete(station.name);
		this.#look();
	}

	/** What a server says from now on. */
	announce(station: Station, says: Announcement, resources: Record<string, string>): void {
		const present = this.#present.get(station.name);
		if (present?.station !== station) return;
		present.says = { says, resources };
		this.#tell(present);
	}

	/** Words come in the order in which they were said. */
	#tell(from: Present): void {
		const { says } = from;
		const to = this.#other(from);
		if (says === null || to === undefined || !this.#heartbeats.some(({ lan }) => this.carries(lan))) return;
		to.station.life.after(wayMs, () => {
			// Cut on the way.
			if (!this.#heartbeats.some(({ lan }) => this.carries(lan))) return;
			to.station.hear(says.resources);
			to.station.deliver({ type: "peer", says: says.says });
		});
	}

	#other(of: Present): Present | undefined {
		return [...this.#present.values()].find((each) => each !== of);
	}

	#look(): void {
		for (const present of this.#present.values()) {
			for (const heartbeat of this.#heartbeats) this.#lookAt(present, heartbeat);
		}
		this.#changed();
	}

	#lookAt(present: Present, { ident, lan, pulseMs, timeoutMs }: HeartConfiguration["heartbeats"][number]): void {
		const { station, up, spoken, coming } = present;
		const carries = this.carries(lan);
		const before = coming.get(ident);
		if (before?.carries === carries) return;
		before?.alarm.cancel();
		coming.delete(ident);
		if (carries === up.has(ident) && spoken.has(ident)) return;
		const delayMs = carries ? Math.min(pulseMs, timeoutMs / 10) * 2 : timeoutMs;
		const alarm = station.life.after(delayMs, () => {
			coming.delete(ident);
			spoken.add(ident);
			this.#say(present, ident, carries);
		});
		coming.set(ident, { carries, alarm });
	}

	#say(present: Present, ident: string, carries: boolean): void {
		const { station, up } = present;
		const silent = up.size === 0;
		if (carries) up.add(ident);
		else up.delete(ident);
		// After a silence what the other says is news, and comes before the heartbeat that brings it.
		const says = carries && silent ? this.#other(present)?.says : null;
		if (says) {
			station.hear(says.resources);
			station.deliver({ type: "peer", says: says.says });
		}
		station.deliver({ type: "heartbeat", ident, up: carries });
	}
}
