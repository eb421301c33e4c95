/** One test of a checker: what every kind of checker but the custom one comes down to. */
import type { AddressSystem } from "../vip/addresses.ts";
import type { Ping } from "./splitbrain.ts";

export interface Verdict {
	up: boolean;
	/** In words, for the verbose log. */
	why: string;
	/** Something that a person should know and that leaves the resource as it is. */
	warning?: string;
	/** Which run of another module's application answered; another one than before: that module was restarted. */
	run?: string;
}

/** Tests once. Settles soon after `signal` is aborted; what it rejects with counts as down. */
export type Probe = (signal: AbortSignal) => Promise<Verdict>;

/** What probes ask of the operating system. */
export interface ProbeSystem {
	ping: Ping;
	interfaces: AddressSystem["interfaces"];
	whoHas: AddressSystem["whoHas"];
}
