/** Tells the neighbours again and again where addresses are now: a single frame may be lost, a cache may be stubborn. */
import type { AddressSystem } from "./addresses.ts";
import type { SetAddress } from "./record.ts";

/** After the first announcement, which is made at once. */
const repeatMs = [100, 500, 1000, 2000, 5000];

export interface Announced extends SetAddress {
	/** arpreroute: every `everyMs`, for `forMs`. Null: only the first few times. */
	again: { everyMs: number; forMs: number } | null;
}

export class Announcer {
	readonly #system: AddressSystem;
	readonly #timers = new Set<NodeJS.Timeout>();
	readonly #onFailure: (addr: string, error: unknown) => void;

	constructor(system: AddressSystem, onFailure: (addr: string, error: unknown) => void) {
		this.#system = system;
		this.#onFailure = onFailure;
	}

	/** Announces now, resolves when that is done, and goes on in the background. */
	async start(addresses: readonly Announced[]): Promise<void> {
		this.stop();
		await this.#announce(addresses);
		for (const afterMs of repeatMs) this.#after(afterMs, addresses);
		for (const address of addresses) {
			const { again } = address;
			if (again === null || again.everyMs <= 0) continue;
			const timer = setInterval(() => void this.#announce([address]), again.everyMs);
			this.#timers.add(timer);
			const end = setTimeout(() => clearInterval(timer), again.forMs);
			this.#timers.add(end);
		}
	}

	stop(): void {
		for (const timer of this.#timers) clearTimeout(timer);
		this.#timers.clear();
	}

	#after(afterMs: number, addresses: readonly Announced[]): void {
		const timer = setTimeout(() => {
			this.#timers.delete(timer);
			void this.#announce(addresses);
		}, afterMs);
		this.#timers.add(timer);
	}

	async #announce(addresses: readonly Announced[]): Promise<void> {
		let failed = "";
		try {
			const interfaces = await this.#system.interfaces();
			for (const { iface, addr } of addresses) {
				failed = addr;
				const found = interfaces.find((each) => each.name === iface);
				// An address that is not there any more is not claimed.
				if (found?.addresses.some((own) => own.addr === addr)) await this.#system.announce(found, addr);
			}
		} catch (error) {
			this.#onFailure(failed, error);
		}
	}
}
