/** The UDP socket of one heartbeat: of a pair of nodes, or of all nodes on a lan. Interfaces, addresses and names may come and go: it goes on trying. */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";

const retryMs = 250;
const resolveMs = 60_000;
/** A failure that is over sooner is not worth a word: a predecessor that ends, an interface that comes up. */
const patienceMs = 1000;
/** A socket that could not send for so long is opened anew. */
const deafMs = 2000;

export interface PathAddresses {
	localAddr: string;
	peerAddrs: readonly string[];
	port: number;
}

export interface PathEvents {
	/** `peer`: whose address it comes from; -1: nobody's. */
	packet(bytes: Buffer, peer: number): void;
	/** From now on `send` sends, to one peer at least. */
	ready(): void;
	trouble(why: string): void;
	/** A packet has left this machine, as far as it knows. */
	sent?(): void;
}

export class PathSocket {
	readonly #at: PathAddresses;
	readonly #peerAddrs: string[];
	readonly #on: PathEvents;
	#socket: Socket | null = null;
	readonly #peers: (string | null)[];
	readonly #failingSinceMs: (number | null)[];
	#kept: ReadonlySet<number> | null = null;
	#sentMs: number | null = null;
	#shutSinceMs: number | null = null;
	#retry: NodeJS.Timeout | undefined;
	readonly #resolve: NodeJS.Timeout;
	#closed = false;

	constructor(at: PathAddresses, on: PathEvents) {
		this.#at = at;
		this.#peerAddrs = [...at.peerAddrs];
		this.#on = on;
		this.#peers = at.peerAddrs.map(() => null);
		this.#failingSinceMs = at.peerAddrs.map(() => null);
		this.#resolve = setInterval(() => this.#findPeers(), resolveMs);
		this.#findPeers();
		void this.#open();
	}

	/** One peer more, unless it has that address already. Returns its number. */
	add(addr: string): number {
		const known = this.#peerAddrs.indexOf(addr);
		if (known >= 0) return known;
		const peer = this.#peerAddrs.push(addr) - 1;
		this.#peers[peer] = null;
		this.#failingSinceMs[peer] = null;
		void this.#findPeer(peer, addr);
		return peer;
	}

	/** All that have the address of this one now, by whatever name. */
	sharing(peer: number): number[] {
		return [...this.#peers.keys()].filter((other) => this.#peers[other] === this.#peers[peer]);
	}

	/** The others are not sent to any more. */
	keep(peers: ReadonlySet<number>): void {
		this.#kept = peers;
	}

	/** Sends if that is possible now; a lost pulse is an ordinary event. */
	send(bytes: Buffer, peer: number): void {
		const addr = this.#peers[peer] ?? null;
		if (this.#socket === null || addr === null) return;
		this.#socket.send(bytes, this.#at.port, addr, (error) => this.#sent(peer, error));
	}

	/** When a pulse left this machine last, by the monotonic clock; null: never. */
	get sentMs(): number | null {
		return this.#sentMs;
	}

	close(): void {
		this.#closed = true;
		clearTimeout(this.#retry);
		clearInterval(this.#resolve);
		this.#drop();
	}

	#drop(): void {
		const socket = this.#socket;
		this.#socket = null;
		this.#failingSinceMs.fill(null);
		socket?.removeAllListeners();
		// Node reports failures of earlier sends on a closing socket too.
		socket?.on("error", () => undefined);
		socket?.close();
	}

	#findPeers(): void {
		for (const [peer, addr] of this.#peerAddrs.entries()) void this.#findPeer(peer, addr);
	}

	async #findPeer(peer: number, addr: string): Promise<void> {
		try {
			const found = await resolved(addr);
			if (this.#closed) return;
			const first = this.#peers[peer] === null;
			this.#peers[peer] = found;
			if (first && this.#socket !== null) this.#on.ready();
		} catch (error) {
			if (this.#closed) return;
			this.#on.trouble(`the peer's address ${addr} is not known: ${reason(error)}`);
			if (this.#peers[peer] !== null) return;
			setTimeout(() => !this.#closed && void this.#findPeer(peer, addr), 8 * retryMs).unref();
		}
	}

	async #open(): Promise<void> {
		const { localAddr, port } = this.#at;
		try {
			const addr = await resolved(localAddr);
			if (this.#closed) return;
			const six = isIPv6(addr.split("%")[0] ?? "");
			const socket = createSocket(six ? { type: "udp6", ipv6Only: true } : { type: "udp4" });
			socket.on("error", (error) => this.#openFailed(socket, error));
			socket.on("message", (bytes, from) => this.#on.packet(bytes, this.#peers.indexOf(from.address)));
			socket.bind({ address: addr, port }, () => {
				this.#shutSinceMs = null;
				if (this.#closed) {
					socket.close();
					return;
				}
				this.#socket = socket;
				if (this.#peers.some((peer) => peer !== null)) this.#on.ready();
			});
		} catch (error) {
			this.#openFailed(null, error);
		}
	}

	#openFailed(socket: Socket | null, error: unknown): void {
		socket?.removeAllListeners();
		socket?.on("error", () => undefined);
		try {
			socket?.close();
		} catch {
			// It was never open.
		}
		if (this.#closed) return;
		this.#socket = null;
		this.#shutSinceMs ??= performance.now();
		if (performance.now() - this.#shutSinceMs >= patienceMs) {
			this.#on.trouble(`cannot listen on ${this.#at.localAddr} port ${this.#at.port}: ${reason(error)}`);
		}
		this.#retry = setTimeout(() => void this.#open(), retryMs);
	}

	#sent(peer: number, error: Error | null): void {
		if (error === null || this.#closed) {
			this.#failingSinceMs[peer] = null;
			this.#sentMs = performance.now();
			if (!this.#closed) this.#on.sent?.();
			return;
		}
		const nowMs = performance.now();
		const sinceMs = this.#failingSinceMs[peer] ?? nowMs;
		this.#failingSinceMs[peer] = sinceMs;
		if (nowMs - sinceMs >= patienceMs) {
			this.#on.trouble(`cannot send to ${this.#peerAddrs[peer]}: ${reason(error)}`);
		}
		const works = (since: number | null, other: number): boolean =>
			this.#peers[other] !== null && this.#kept?.has(other) !== false && (since === null || nowMs - since < deafMs);
		if (this.#failingSinceMs.some(works)) return;
		this.#drop();
		void this.#open();
	}
}

async function resolved(addr: string): Promise<string> {
	return isIP(addr.split("%")[0] ?? "") === 0 ? (await lookup(addr)).address : addr;
}

const reasons: Record<string, string> = {
	EADDRNOTAVAIL: "this machine does not have the address now",
	EADDRINUSE: "another program uses the port",
	ENETUNREACH: "there is no route to it",
	EHOSTUNREACH: "nobody answers there",
	EINVAL: "this machine does not have the local address now",
	ENOTFOUND: "the name does not resolve",
	EAI_AGAIN: "the name server does not answer",
	EPERM: "a local firewall rule forbids it",
};

function reason(error: unknown): string {
	const code = (error as NodeJS.ErrnoException).code ?? "";
	return reasons[code] ?? (code || String(error));
}
