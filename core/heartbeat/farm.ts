/** This node's part in the group of a farm: pulses to all nodes on every lan, and what follows from those that come in. */
import type { FarmModule, FarmWish } from "../engine/farm/group.ts";
import { Membership } from "../engine/farm/membership.ts";
import { type FarmPulseWire, maxFarmNodes, readPulse, wireOf } from "../engine/farm/pulse.ts";
import type { Effects } from "../engine/farm/shown.ts";
import { type Identities, type Peer, type Pulse, peersOf } from "./farmPeers.ts";
import type { Received } from "./identity.ts";
import { OwnPulses } from "./own.ts";
import { type Envelope, maxContentBytes, pathMark } from "./packet.ts";
import { PathSocket } from "./path.ts";
import { Reach, type ReachSystem } from "./reach.ts";
import { Reports } from "./reports.ts";
import type { FromHeart } from "./service.ts";

/** Room for the mark, a challenge and an answer to one. */
const envelopeBytes = 160;
/** When the last word of a node that goes is said. */
const goodbyeMs = [0, 25, 75, 175];
/** Answers to strangers are not sent more often than this to one address. */
const answerGapMs = 10;
/** A node with several keys says everything with each of them: not the first that fails means that none fits. */
const refusedMs = 1000;
/** Packets from addresses that no node has, tried with every node's key: so many between two ticks. */
const maxStrangers = 20;

interface Lan {
	name: string;
	mark: string;
	localAddr: string;
	/** By the socket's number of their address, as the module was started with them. */
	own: ReadonlyMap<number, Peer[]>;
	/** Also of a newer cluster.xml: it may give an address to another node, or have another key. */
	peers: Map<number, Peer[]>;
	answeredMs: number[];
	/** By the number of an address (-1: all that no node has, as far as names are known): since when nothing was accepted. */
	refusedSinceMs: Map<number, number>;
	socket: PathSocket;
}

export class FarmBeat {
	readonly #module: FarmModule;
	readonly #post: (message: FromHeart) => void;
	readonly #membership: Membership;
	readonly #reports = new Reports();
	readonly #identities: Identities = new Map();
	readonly #peers: ReadonlyMap<string, Peer>;
	readonly #reach: Reach;
	readonly #lans: Lan[];
	readonly #own: OwnPulses;
	readonly #ticker: NodeJS.Timeout;
	readonly #startedMs = performance.now();
	#tickedMs = this.#startedMs;
	#strangers = 0;
	#wire: FarmPulseWire;
	#rotation = 0;
	#goodbyes: NodeJS.Timeout[] = [];
	#stopped = false;

	/** `held` as in `Membership`. */
	constructor(
		module: FarmModule,
		wish: FarmWish,
		held: Record<string, string>,
		post: (message: FromHeart) => void,
		system: ReachSystem,
	) {
		this.#module = module;
		this.#post = post;
		this.#membership = new Membership(module, lifeNow(), wish, held);
		this.#wire = this.#said();
		this.#peers = peersOf(module, this.#identities);
		this.#reach = new Reach(module.virtual, system);
		this.#own = new OwnPulses(module.port);
		this.#lans = module.lans.map((lan) => this.#open(lan));
		this.#ticker = setInterval(() => this.#tick(), this.#membership.tickMs);
	}

	#open({ name, localAddr, nodes }: FarmModule["lans"][number]): Lan {
		// Alone it sends to itself: else no pulse would leave.
		const others = nodes.filter((node) => node.name !== this.#module.node);
		const sentTo = others.length > 0 ? others : [{ name: this.#module.node, addr: localAddr }];
		const known = sentTo.filter((node) => this.#peers.has(node.name));
		const own = new Map(known.map((node, at) => [at, [this.#peers.get(node.name) as Peer]]));
		const lan: Lan = {
			name,
			mark: pathMark(name),
			localAddr,
			own,
			peers: new Map(own),
			answeredMs: known.map(() => 0),
			refusedSinceMs: new Map(),
			socket: new PathSocket(
				{ localAddr, peerAddrs: known.map(({ addr }) => addr), port: this.#module.port },
				{
					packet: (bytes, peer) => this.#guard(() => this.#receive(lan, bytes, peer)),
					ready: () => this.#guard(() => this.#membership.mute || this.#sendOn(lan)),
					trouble: (why) => this.#report("unusable", name, why),
					// The kernel's lease and `#unsentMs` mean the same: without a cable, pulses leave for nowhere.
					sent: () => {
						if (this.#reach.cutForMs(performance.now()) === 0) this.#own.follow();
					},
				},
			),
		};
		return lan;
	}

	/**
	 * Nodes of newer cluster.xml files, in the order in which these came, are heard, and hear this one, on the lans that
	 * are as before: those that have started with one of them know who answers, and where nothing but the key is new the
	 * group is one.
	 */
	follow(successors: readonly FarmModule[]): void {
		this.#guard(() => {
			const all = successors.map((module) => [module, peersOf(module, this.#identities)] as const);
			for (const lan of this.#lans) {
				lan.peers = new Map(lan.own);
				for (const [module, peers] of all) this.#reachOn(lan, module, peers);
				lan.socket.keep(new Set(lan.peers.keys()));
			}
			const known = [this.#peers, ...all.map(([, peers]) => peers)].flatMap((peers) => [...peers.values()]);
			const used = new Set(known.map(({ identity }) => identity));
			for (const [id, identity] of this.#identities) if (!used.has(identity)) this.#identities.delete(id);
		});
	}

	#reachOn(lan: Lan, { node, lans }: FarmModule, peers: ReadonlyMap<string, Peer>): void {
		const same = lans.find(({ name, localAddr }) => name === lan.name && localAddr === lan.localAddr);
		for (const { name, addr } of same?.nodes ?? []) {
			const peer = peers.get(name);
			if (peer === undefined || name === node) continue;
			const at = lan.socket.add(addr);
			const others = (lan.peers.get(at) ?? []).filter(({ identity }) => identity !== peer.identity);
			lan.peers.set(at, [...others, peer]);
		}
	}

	/** The groups whose traffic this node is ready to take from now on. */
	wish(wish: FarmWish): void {
		this.#guard(() => this.#carryOut(this.#membership.wish(wish, this.#unsentMs())));
	}

	/** The filter does what the view of this version says. */
	applied(version: number): void {
		this.#guard(() => this.#carryOut(this.#membership.applied(version, this.#unsentMs())));
	}

	/** Says the view again: whoever listens has just begun to. */
	tellAgain(): void {
		const { view } = this.#membership;
		if (view !== null) this.#tell({ is: "farm", module: this.#module.module, view });
	}

	/** Resolves when the others know that this node goes, and the sockets are closed. */
	async stop(): Promise<void> {
		this.#stopped = true;
		clearInterval(this.#ticker);
		if (this.#membership.leave().send) {
			for (const afterMs of goodbyeMs) {
				this.#goodbyes.push(setTimeout(() => this.#guard(() => this.#sendAll()), afterMs));
			}
			await new Promise((resolve) => setTimeout(resolve, goodbyeMs.at(-1)));
		}
		this.close();
	}

	close(): void {
		this.#stopped = true;
		clearInterval(this.#ticker);
		for (const timer of this.#goodbyes) clearTimeout(timer);
		for (const lan of this.#lans) lan.socket.close();
		this.#own.close();
	}

	/** True if it was started with the same nodes, lans, groups and key, and goes on. */
	isFor(module: FarmModule): boolean {
		return !this.#stopped && JSON.stringify(module) === JSON.stringify(this.#module);
	}

	#tick(): void {
		// Judged after the sockets were read: what waited in them while this thread could not run counts.
		setImmediate(() => {
			if (this.#stopped) return;
			const nowMs = performance.now();
			const elapsedMs = nowMs - this.#tickedMs;
			this.#tickedMs = nowMs;
			this.#strangers = 0;
			this.#guard(() => this.#carryOut(this.#membership.tick(elapsedMs, this.#unsentMs())));
		});
	}

	/**
	 * What contradicts itself ends this farm's part and not the thread: the heartbeats of mirrors go on. Without pulses the
	 * kernel's filter closes by itself, before the others take over.
	 */
	#guard(work: () => void): void {
		try {
			work();
		} catch (error) {
			this.#tell({ is: "failed", module: this.#module.module, why: String(error) });
			this.close();
		}
	}

	/** Since a pulse last left this machine, as the kernel counts for the filter's lease, or a client could reach it. */
	#unsentMs(): number {
		const nowMs = performance.now();
		const sentMs = Math.max(this.#startedMs, ...this.#lans.map(({ socket }) => socket.sentMs ?? 0));
		return Math.max(nowMs - sentMs, this.#reach.cutForMs(nowMs));
	}

	#carryOut({ send, view }: Effects): void {
		if (this.#stopped) return;
		if (view !== null) this.#tell({ is: "farm", module: this.#module.module, view });
		if (send) this.#sendAll();
	}

	#said(): FarmPulseWire {
		return wireOf(this.#membership.say(), maxContentBytes - envelopeBytes, this.#rotation++ % maxFarmNodes);
	}

	#sendAll(): void {
		this.#wire = this.#said();
		for (const lan of this.#lans) this.#sendOn(lan);
	}

	#sendOn(lan: Lan): void {
		for (const [at, all] of lan.peers) for (const peer of all) this.#send(lan, at, peer);
	}

	#send(lan: Lan, at: number, { identity }: Peer, extra: Pick<Envelope, "c" | "e"> = {}): void {
		lan.socket.send(identity.seal({ i: lan.mark, ...this.#wire, ...extra }), at);
	}

	#receive(lan: Lan, bytes: Buffer, from: number): void {
		const places = from >= 0 ? lan.socket.sharing(from) : this.#strangers++ < maxStrangers ? [...lan.peers.keys()] : [];
		let refused: string | null = null;
		for (const [at, peer] of places.flatMap((at) => (lan.peers.get(at) ?? []).map((peer) => [at, peer] as const))) {
			if (peer.isSelf) continue;
			const received = peer.identity.receive(lan.name, bytes);
			if (received.is !== "refused") {
				lan.refusedSinceMs.delete(from);
				this.#answer(lan, at, peer, received);
				if (received.is === "accepted") this.#accept(lan, peer, received.pulse);
				return;
			}
			// Its own, and nothing new.
			if (received.why === null) return;
			refused ??= received.why;
		}
		if (refused !== null && this.#isRefusing(lan, from)) this.#report("refused", lan.name, refused);
	}

	#isRefusing({ refusedSinceMs }: Lan, from: number): boolean {
		const nowMs = performance.now();
		const sinceMs = refusedSinceMs.get(from) ?? nowMs;
		refusedSinceMs.set(from, sinceMs);
		return nowMs - sinceMs >= refusedMs;
	}

	/** Sends back the token of a challenge, and challenges a stranger. */
	#answer(lan: Lan, at: number, peer: Peer, received: Exclude<Received<Pulse>, { is: "refused" }>): void {
		const extra: Pick<Envelope, "c" | "e"> = {};
		const challenge = received.pulse.c;
		if (challenge !== undefined && challenge[0] === peer.identity.own) extra.e = challenge[1];
		if (received.is === "stranger") extra.c = [received.incarnation, received.token];
		if ((extra.c === undefined && extra.e === undefined) || this.#membership.mute) return;
		const nowMs = performance.now();
		if (nowMs - (lan.answeredMs[at] ?? 0) < answerGapMs) return;
		lan.answeredMs[at] = nowMs;
		this.#send(lan, at, peer, extra);
	}

	#accept(lan: Lan, { name, first }: Peer, wire: Pulse): void {
		const pulse = readPulse(wire);
		if (pulse === null) return;
		if (!this.#membership.isForeign(pulse)) {
			this.#carryOut(this.#membership.hear(pulse, this.#unsentMs()));
			return;
		}
		const mend = "apply the same one on all servers, and stop and start the module where it runs with an older one";
		this.#report("refused", lan.name, `${name} has other nodes, groups or powers in its configuration: ${mend}`);
		const [own] = pulse.entries;
		const foreigner = { name, serving: pulse.serving, resumed: own?.resumed === true, first };
		this.#carryOut(this.#membership.hearForeign(foreigner, this.#unsentMs()));
	}

	/** A stopped module hears nothing any more. */
	#tell(message: FromHeart): void {
		if (!this.#stopped) this.#post(message);
	}

	#report(is: "refused" | "unusable", ident: string, why: string): void {
		if (this.#reports.isNew(`${is} ${ident} ${why}`)) this.#tell({ is, module: this.#module.module, ident, why });
	}
}

/**
 * Grows from one run of the thread to the next: tenths of a second since 2025. With a clock that was never set it is the
 * first one, until the others tell which they know.
 */
function lifeNow(): number {
	return Math.max(1, Math.floor((Date.now() - Date.UTC(2025, 0, 1)) / 100));
}
