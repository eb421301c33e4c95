/** The heartbeats of one module with its peer: sends, receives, judges. */
import type { Announcement } from "../engine/contract.ts";
import { Identity, type Received } from "./identity.ts";
import { maxContentBytes, type Pulse, pathMark, readPulse } from "./packet.ts";
import { PathSocket } from "./path.ts";
import { Reports } from "./reports.ts";
import { ResourceReceiver, ResourceSender } from "./resources.ts";
import { type FromHeart, type HeartbeatModule, type HeartbeatPath, maxAnnouncementBytes } from "./service.ts";
import { effectivePulseMs, PathWatch } from "./watch.ts";

/** When a change of the announcement is repeated, so that one lost packet does not delay it by a pulse. */
const repeatMs = [0, 25, 75, 175];
/** Answers to strangers are not sent more often than this, whoever asks. */
const answerGapMs = 10;

interface Path {
	ident: string;
	mark: string;
	pulseMs: number;
	dueMs: number;
	answeredMs: number;
	watch: PathWatch;
	socket: PathSocket;
}

export class Beat {
	readonly #module: HeartbeatModule;
	readonly #post: (message: FromHeart) => void;
	readonly #identity: Identity<Pulse>;
	readonly #paths: Path[];
	readonly #tickMs: number;
	readonly #ticker: NodeJS.Timeout;
	#tickedMs = performance.now();
	#says: Announcement;
	readonly #sender = new ResourceSender();
	#receiver = new ResourceReceiver();
	/** Sequence number of the newest pulse on any path: its content counts. */
	#newest = 0n;
	#peerSays: Announcement | null = null;
	#peerResources: Record<string, string> = {};
	#delivered = "";
	#repeats: NodeJS.Timeout[] = [];
	readonly #reports = new Reports();
	#stopped = false;

	constructor(
		module: HeartbeatModule,
		says: Announcement,
		resources: Record<string, string>,
		post: (message: FromHeart) => void,
	) {
		this.#module = module;
		this.#post = post;
		this.#says = this.#bounded(says);
		this.#sender.update(resources);
		this.#identity = new Identity(Buffer.from(module.key, "hex"), module.node, module.peer, readPulse);
		const pulses = module.paths.map((path) => effectivePulseMs(path.pulseMs, path.timeoutMs));
		this.#tickMs = Math.max(10, Math.min(100, ...pulses.map((pulse) => pulse / 2)));
		this.#paths = module.paths.map((path) => this.#open(path));
		this.#ticker = setInterval(() => this.#tick(), this.#tickMs);
	}

	#open(path: HeartbeatPath): Path {
		const { ident, localAddr, peerAddr } = path;
		const opened: Path = {
			ident,
			mark: pathMark(ident),
			pulseMs: effectivePulseMs(path.pulseMs, path.timeoutMs),
			dueMs: 0,
			answeredMs: 0,
			watch: new PathWatch(path.timeoutMs, this.#tickMs),
			socket: new PathSocket(
				{ localAddr, peerAddrs: [peerAddr], port: this.#module.port },
				{
					packet: (bytes) => this.#receive(opened, bytes),
					ready: () => this.#send(opened),
					trouble: (why) => this.#report("unusable", ident, why),
				},
			),
		};
		return opened;
	}

	/** What this node says from now on; a change is sent at once. */
	announce(announcement: Announcement, resources: Record<string, string>): void {
		const says = this.#bounded(announcement);
		const changed = this.#sender.update(resources) || JSON.stringify(says) !== JSON.stringify(this.#says);
		this.#says = says;
		if (changed) this.#burst();
	}

	/** One that is too long is a defect of the automaton; what every peer understands of it travels all the same. */
	#bounded(says: Announcement): Announcement {
		const bytes = Buffer.byteLength(JSON.stringify(says));
		if (bytes <= maxAnnouncementBytes) return says;
		const why = `the announcement has ${bytes} bytes, at most ${maxAnnouncementBytes} travel`;
		for (const { ident } of this.#module.paths) this.#report("unusable", ident, why);
		return { main: says.main, status: says.status };
	}

	/** Says again which heartbeats live and what the peer says: whoever listens has just begun to. */
	tellAgain(): void {
		for (const path of this.#paths) {
			const up = path.watch.reported;
			if (up !== null) this.#tell({ is: "heartbeat", module: this.#module.module, ident: path.ident, up });
		}
		this.#deliver(true);
	}

	/** Resolves when what was announced last has been sent as often as it should, and the sockets are closed. */
	async stop(): Promise<void> {
		this.#stopped = true;
		if (this.#repeats.length > 0) await new Promise((resolve) => setTimeout(resolve, repeatMs.at(-1)));
		this.close();
	}

	close(): void {
		this.#stopped = true;
		clearInterval(this.#ticker);
		for (const timer of this.#repeats) clearTimeout(timer);
		for (const path of this.#paths) path.socket.close();
	}

	/** True if it was started with the same paths and key. */
	isFor(module: HeartbeatModule): boolean {
		return JSON.stringify(module) === JSON.stringify(this.#module);
	}

	#burst(): void {
		for (const timer of this.#repeats) clearTimeout(timer);
		this.#repeats = [];
		for (const afterMs of repeatMs) {
			if (afterMs === 0) this.#sendAll();
			else this.#repeats.push(setTimeout(() => this.#repeat(), afterMs));
		}
	}

	#repeat(): void {
		this.#repeats.shift();
		this.#sendAll();
	}

	#sendAll(): void {
		for (const path of this.#paths) this.#send(path);
	}

	#send(path: Path, extra: Pick<Pulse, "c" | "e"> = {}): void {
		const peer = this.#identity.peer;
		const pulse: Pulse = { i: path.mark, h: path.watch.hear, s: this.#says, r: [0, 0, 0, {}], ...extra };
		if (peer !== null) pulse.a = [peer, this.#receiver.revision];
		pulse.r = this.#sender.slice(maxContentBytes - Buffer.byteLength(JSON.stringify(pulse)));
		path.dueMs = performance.now() + path.pulseMs;
		path.socket.send(this.#identity.seal(pulse), 0);
	}

	#tick(): void {
		const nowMs = performance.now();
		const elapsedMs = nowMs - this.#tickedMs;
		this.#tickedMs = nowMs;
		for (const path of this.#paths) if (nowMs >= path.dueMs - this.#tickMs / 2) this.#send(path);
		// Judged after the sockets were read: what waited in them while this thread could not run counts.
		setImmediate(() => {
			for (const path of this.#paths) {
				path.watch.tick(elapsedMs);
				this.#judge(path);
			}
		});
	}

	#judge(path: Path): void {
		const up = path.watch.changed();
		if (up === undefined) return;
		this.#tell({ is: "heartbeat", module: this.#module.module, ident: path.ident, up });
		// The other side is told at once: that its pulses arrive again, or that they do not.
		this.#send(path);
		if (up) this.#deliver(true);
	}

	#receive(path: Path, bytes: Buffer): void {
		const received = this.#identity.receive(path.ident, bytes);
		if (received.is === "refused") {
			if (received.why !== null) this.#report("refused", path.ident, received.why);
			return;
		}
		if (received.is === "accepted") this.#accept(path, received);
		this.#answer(path, received);
	}

	/** Sends back the token of a challenge, and challenges a stranger. */
	#answer(path: Path, received: Exclude<Received<Pulse>, { is: "refused" }>): void {
		const extra: Pick<Pulse, "c" | "e"> = {};
		const challenge = received.pulse.c;
		if (challenge !== undefined && challenge[0] === this.#identity.own) extra.e = challenge[1];
		if (received.is === "stranger") extra.c = [received.incarnation, received.token];
		if (extra.c === undefined && extra.e === undefined) return;
		const nowMs = performance.now();
		if (nowMs - path.answeredMs < answerGapMs) return;
		path.answeredMs = nowMs;
		this.#send(path, extra);
	}

	#accept(path: Path, { pulse, sequence, fresh }: Extract<Received<Pulse>, { is: "accepted" }>): void {
		if (fresh) {
			this.#receiver = new ResourceReceiver();
			this.#sender.peerHas(0);
			this.#newest = 0n;
		}
		const before = path.watch.hear;
		path.watch.pulse(pulse.h);
		if (sequence > this.#newest) {
			this.#newest = sequence;
			this.#peerSays = pulse.s;
			if (this.#receiver.apply(pulse.r)) this.#peerResources = this.#receiver.states();
			if (pulse.a?.[0] === this.#identity.own) this.#sender.peerHas(pulse.a[1]);
		}
		this.#judge(path);
		if (before !== true) this.#send(path);
		this.#deliver(false);
	}

	#deliver(again: boolean): void {
		if (this.#peerSays === null) return;
		const message: FromHeart = {
			is: "peer",
			module: this.#module.module,
			says: this.#peerSays,
			resources: this.#peerResources,
		};
		const text = JSON.stringify(message);
		if (text === this.#delivered && !again) return;
		this.#delivered = text;
		this.#tell(message);
	}

	/** A stopped module hears nothing any more. */
	#tell(message: FromHeart): void {
		if (!this.#stopped) this.#post(message);
	}

	#report(is: "refused" | "unusable", ident: string, why: string): void {
		if (!this.#reports.isNew(`${is} ${ident} ${why}`)) return;
		this.#tell({ is, module: this.#module.module, ident, why });
	}
}
