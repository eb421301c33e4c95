/** The operating system under this node: the one place that chooses. Only entry points import it (design §1). */
import { SafekitError } from "../errors.ts";
import type { DatagramSender } from "../log/syslog.ts";
import type { AddressSystem } from "../vip/addresses.ts";
import { addresses } from "./linux/addresses.ts";
import { UnixDatagrams } from "./linux/datagram.ts";
import { ping } from "./linux/ping.ts";
import { osIncarnation, sessionOf, startTimeOf } from "./linux/server.ts";

export interface Platform {
	addresses: AddressSystem;
	/** True if the address answers an echo request within `timeoutMs`. */
	ping(addr: string, timeoutMs: number): Promise<boolean>;
	/** Datagrams to the system log and to systemd. */
	datagrams(): DatagramSender & { close(): void };
	/** Names one run of the operating system. */
	osIncarnation(): string;
	/** With the pid it names one process for good; null if the process is gone. */
	startTimeOf(pid: number): string | null;
	sessionOf(pid: number): number | null;
}

const linux: Platform = {
	addresses,
	ping,
	datagrams: () => new UnixDatagrams(),
	osIncarnation,
	startTimeOf,
	sessionOf,
};

/** The implementation for this machine. Throws where there is none. */
export function platform(): Platform {
	if (process.platform === "linux") return linux;
	throw new SafekitError("PLATFORM", `this version does not run on ${process.platform}`);
}
