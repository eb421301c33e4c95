/** The virtual addresses of one farm module on this node, and who of the clients is answered here. */
import type { FarmModule, FarmView } from "../../engine/farm/group.ts";
import { SafekitError } from "../../errors.ts";
import type { VipConfiguration } from "../../module/configuration.ts";
import type { AddressSystem } from "../addresses.ts";

export interface FarmAddressesOptions {
	/** The group; its pulses keep the filter's lease alive, so this node must send them from `farm.port`. */
	farm: FarmModule;
	vip: VipConfiguration;
	system: AddressSystem;
	/** `$SAFEVAR/run/vip-AM.json`. */
	record: string;
	log(level: "E" | "I" | "W", text: string): void;
}

export class FarmAddresses {
	readonly #options: FarmAddressesOptions;

	constructor(options: FarmAddressesOptions) {
		this.#options = options;
	}

	/**
	 * Sets all addresses behind a closed filter: applications may bind to them, no client is answered yet. Done twice it
	 * changes nothing. All or nothing. Throws VIP_NAME, VIP_INTERFACE, VIP_LOCAL, VIP_TAKEN or VIP_SYSTEM.
	 */
	async set(): Promise<void> {
		this.#missing();
	}

	/**
	 * From when this resolves on, exactly the clients whose buckets the view gives to this node are answered here.
	 * Idempotent; of several at once the newest wins; without addresses set it does nothing.
	 */
	async share(_view: FarmView): Promise<void> {
		this.#missing();
	}

	/** A restarted daemon found the module running: the addresses are there already, or are set again. */
	async resume(): Promise<void> {
		this.#missing();
	}

	/** Removes what this module has set here, also before a crash or under an earlier configuration. Throws VIP_SYSTEM. */
	async unset(): Promise<void> {
		this.#missing();
	}

	/** The daemon ends, the module runs on: addresses and filter stay, until the lease ends in the kernel. */
	close(): void {}

	#missing(): never {
		const message = `the farm of ${this.#options.farm.module} cannot be set by this version`;
		throw new SafekitError("VIP_SYSTEM", message);
	}
}
