/**
 * Whether anybody can reach the virtual addresses through this machine: an interface in the network of one of them has a
 * carrier. A node whose cable is pulled answers nobody, and must not go on where it left off when the cable is back: by
 * then the others answer its clients. With the cable back it cannot answer over IPv6 before the kernel has looked for
 * duplicates of the interface's own address: what it accepted meanwhile would be answered when others have the client.
 */
import { isIP, isIPv6 } from "node:net";
import type { NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { inNetwork } from "../vip/network.ts";

/** Interfaces are looked at as often. */
const lookMs = 100;

export interface ReachSystem {
	networkInterfaces: typeof networkInterfaces;
	/** Names of those that cannot yet ask where an IPv6 neighbour is. */
	tentativeInterfaces: () => ReadonlySet<string>;
}

export class Reach {
	readonly #virtual: readonly string[];
	readonly #system: ReachSystem;
	#lookedMs = Number.NEGATIVE_INFINITY;
	/** Somebody could reach it before. */
	#wasOpen = false;
	#cutSinceMs: number | null = null;

	constructor(virtual: readonly string[], system: ReachSystem) {
		this.#virtual = virtual.filter((addr) => isIP(addr) !== 0);
		this.#system = system;
	}

	/** How long nobody has been able to reach this node, in milliseconds; 0: somebody may. */
	cutForMs(nowMs: number): number {
		if (this.#virtual.length > 0 && nowMs - this.#lookedMs >= lookMs) {
			this.#lookedMs = nowMs;
			const is = this.#look();
			this.#wasOpen ||= is === "open";
			// Where there never was an interface, nothing can be said; one that was not ready yet has had no clients.
			const neverOpenMs = is === "waiting" ? Number.NEGATIVE_INFINITY : null;
			const cutMs = this.#wasOpen ? (this.#cutSinceMs ?? nowMs) : neverOpenMs;
			this.#cutSinceMs = is === "open" ? null : cutMs;
		}
		return this.#cutSinceMs === null ? 0 : nowMs - this.#cutSinceMs;
	}

	/** The system names only interfaces that are up and have a carrier. */
	#look(): "open" | "waiting" | "closed" {
		const all = Object.entries(this.#system.networkInterfaces());
		const near = all.filter(([, networks]) => networks?.some((network) => this.#isNear(network)));
		if (near.length === 0) return "closed";
		if (!this.#virtual.some(isIPv6)) return "open";
		const waiting = this.#system.tentativeInterfaces();
		return near.some(([name]) => !waiting.has(name)) ? "open" : "waiting";
	}

	/** A network of one address may be the virtual one itself, on an interface of its own. */
	#isNear({ cidr, internal }: NetworkInterfaceInfo): boolean {
		const [base = "", prefix = ""] = cidr?.split("/") ?? [];
		if (internal || base === "" || Number(prefix) === (isIPv6(base) ? 128 : 32)) return false;
		return this.#virtual.some((addr) => inNetwork(addr, base, Number(prefix)));
	}
}
