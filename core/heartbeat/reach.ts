/**
 * Whether anybody can reach the virtual addresses through this machine: an interface in the network of one of them has a
 * carrier. A node whose cable is pulled answers nobody, and must not go on where it left off when the cable is back: by
 * then the others answer its clients.
 */
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { inNetwork } from "../vip/network.ts";

/** Interfaces are looked at as often. */
const lookMs = 100;

export class Reach {
	readonly #virtual: readonly string[];
	#lookedMs = Number.NEGATIVE_INFINITY;
	/** Some interface in their network has been seen; where none ever was, nothing can be said. */
	#known = false;
	#cutSinceMs: number | null = null;

	constructor(virtual: readonly string[]) {
		this.#virtual = virtual.filter((addr) => isIP(addr) !== 0);
	}

	/** How long nobody has been able to reach this node, in milliseconds; 0: somebody may. */
	cutForMs(nowMs: number): number {
		if (this.#virtual.length > 0 && nowMs - this.#lookedMs >= lookMs) {
			this.#lookedMs = nowMs;
			const open = this.#isOpen();
			this.#known ||= open;
			this.#cutSinceMs = open || !this.#known ? null : (this.#cutSinceMs ?? nowMs);
		}
		return this.#cutSinceMs === null ? 0 : nowMs - this.#cutSinceMs;
	}

	/** The system names only interfaces that are up and have a carrier. */
	#isOpen(): boolean {
		const networks = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
		return networks.some(({ cidr, internal }) => {
			const [base = "", prefix = ""] = cidr?.split("/") ?? [];
			return !internal && base !== "" && this.#virtual.some((addr) => inNetwork(addr, base, Number(prefix)));
		});
	}
}
