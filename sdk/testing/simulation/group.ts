/** The group of a farm: every server's real protocol, and its pulses over networks of virtual time. */
import type { FarmModule, FarmView, FarmWish } from "../../../core/engine/farm/group.ts";
import { followerLossMs, leaderLossMs } from "../../../core/engine/farm/group.ts";
import { Membership } from "../../../core/engine/farm/membership.ts";
import type { FarmPulse } from "../../../core/engine/farm/pulse.ts";
import type { Effects } from "../../../core/engine/farm/shown.ts";
import type { Life, VirtualClock } from "./clock.ts";
import type { Lans } from "./lans.ts";

/** How long a pulse takes to another server. */
const wayMs = 1;
/** Lives are numbered by tenths of a second, as on servers. */
const lifeMs = 100;

/** One server of the group, between its start and the loss of its power. */
export interface Station {
	name: string;
	life: Life;
	farm: FarmModule;
	/** Who answers whom has changed. To be confirmed by `applied`. */
	view(view: FarmView): void;
}

/** Where nothing happens the protocol sleeps: a day of silence costs nothing. Whatever happens wakes it. */
export class Group {
	readonly clock: VirtualClock;
	readonly #lans: Lans;
	readonly #members = new Map<string, Member>();
	readonly #lives = new Map<string, number>();
	/** The protocol runs until then. */
	awakeUntilMs = 0;

	constructor(clock: VirtualClock, lans: Lans) {
		this.clock = clock;
		this.#lans = lans;
	}

	join(station: Station, wish: FarmWish): Member {
		this.leave(station.name);
		const before = this.#lives.get(station.name) ?? 0;
		const life = Math.max(before + 1, Math.floor(this.clock.wallMs() / lifeMs));
		this.#lives.set(station.name, life);
		const member = new Member(this, station, new Membership(station.farm, life, wish, {}));
		this.#members.set(station.name, member);
		this.wake();
		return member;
	}

	/** It says nothing more: its power is gone, or it has said that it leaves. */
	leave(name: string): void {
		if (this.#members.delete(name)) this.wake();
	}

	/** Something has happened, such as a change of the networks: the protocol runs until that has settled for sure. */
	wake(): void {
		const lossMs = Math.max(0, ...[...this.#members.values()].map((each) => each.lossMs));
		this.awakeUntilMs = this.clock.nowMs() + 3 * lossMs + 5000;
		for (const member of this.#members.values()) member.wake();
	}

	/** @internal */
	send(from: Member, pulse: FarmPulse): void {
		for (const to of this.#members.values()) {
			if (to === from || !this.#reaches(from.station, to.station)) continue;
			to.station.life.after(wayMs, () => {
				// Cut on the way, or gone.
				if (this.#members.get(to.station.name) === to && this.#reaches(from.station, to.station)) to.hear(pulse);
			});
		}
	}

	#reaches(from: Station, to: Station): boolean {
		return from.farm.lans.some(({ name }) => this.#lans.carries(name, from.name, to.name));
	}
}

/** Here a server's processes always run: whatever happens, its last pulse left it in time. */
const neverPaused = 0;

/** What one server has of the group. */
export class Member {
	readonly station: Station;
	readonly lossMs: number;
	readonly #group: Group;
	readonly #membership: Membership;
	#runs = false;
	#left = false;
	#sentMs: number;

	constructor(group: Group, station: Station, membership: Membership) {
		this.station = station;
		this.lossMs = Math.max(leaderLossMs(station.farm), followerLossMs(station.farm));
		this.#group = group;
		this.#membership = membership;
		this.#sentMs = group.clock.nowMs();
	}

	wish(wish: FarmWish): void {
		this.#happened(this.#membership.wish(wish, neverPaused));
	}

	applied(version: number): void {
		this.#happened(this.#membership.applied(version, neverPaused));
	}

	/** Says goodbye, as far as that is possible. */
	leave(): void {
		if (this.#left) return;
		this.#follow(this.#membership.leave());
		this.#left = true;
		this.#group.leave(this.station.name);
	}

	hear(pulse: FarmPulse): void {
		if (!this.#left) this.#follow(this.#membership.hear(pulse, neverPaused));
	}

	wake(): void {
		if (this.#runs || this.#left) return;
		this.#runs = true;
		// It has been asleep, not silent.
		this.#sentMs = this.#group.clock.nowMs();
		this.#plan();
	}

	#plan(): void {
		const { tickMs } = this.#membership;
		this.station.life.after(tickMs, () => {
			this.#runs = !this.#left && this.#group.clock.nowMs() < this.#group.awakeUntilMs;
			if (!this.#runs) return;
			this.#follow(this.#membership.tick(tickMs, this.#group.clock.nowMs() - this.#sentMs));
			this.#plan();
		});
	}

	#happened(effects: Effects): void {
		this.#group.wake();
		this.#follow(effects);
	}

	#follow({ send, view }: Effects): void {
		if (send) {
			this.#sentMs = this.#group.clock.nowMs();
			this.#group.send(this, this.#membership.say());
		}
		if (view === null) return;
		this.#group.wake();
		this.station.view(view);
	}
}
