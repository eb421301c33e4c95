/** What a mirror module remembers between two events, and what it says of itself to the other node. */
import type {
	Announcement,
	CommandEvent,
	Holding,
	LeaseView,
	LoopCounter,
	MainState,
	MeetingOutcome,
	ModeConfig,
	NodeRecords,
	Status,
} from "../../sdk/index.ts";
import { noErrors, nothingHolds, unseenLease } from "../../sdk/index.ts";

/** Where the module is in its life; `main` and `status` are what persons see of it. */
export type Phase = "stopped" | "starting" | "waiting" | "primary" | "secondary" | "promoting" | "stopping";

export type PlanKind =
	| "start"
	| "toPrimary"
	| "toSecond"
	| "promote"
	| "join"
	| "part"
	| "restart"
	| "swap"
	| "afterSwap"
	| "dropAddress"
	| "leave"
	| "stop"
	| "cleanUp";

/** The internal rules that hold a node in WAIT (spec/01 §3). */
export type WaitRule = "notuptodate_server" | "degraded_server" | "splitbrain_failure" | "rfs_syncat_wait";

export interface Session {
	term: number;
	source: boolean;
	outcome: MeetingOutcome;
	everything: boolean;
	quarantine: boolean;
	/** Source: the target has the term on its disk. */
	accepted: boolean;
	/** The target is up to date and promotable. */
	synced: boolean;
	/** When that was, monotonic milliseconds. */
	syncedMs: number;
	/** Target: not promotable any more, though the session was complete. */
	spoilt: boolean;
}

/** The primary without its peer (replication.md §5.5). */
export interface Loss {
	stage: "frozen" | "asking" | "granted";
	/** syncfs is done: a permission may be used. */
	synchronised: boolean;
	/** How the permission came; what the log says of it. */
	by: "no heartbeat" | "remote stop" | null;
}

export interface Stopping {
	/** Start again afterwards: stopstart, stopwait. */
	again: boolean;
	/** Third argument of scripts. */
	action: "stop" | "stopstart" | "stopwait";
	/** What the plan to come is to do. */
	stage: "drop" | "leave" | "stop" | "clean";
	/** The sentence that a person reads once the module is stopped, if nobody ordered the stop. */
	why?: string;
}

export interface MirrorState {
	config: ModeConfig;
	phase: Phase;
	main: MainState;
	status: Status;
	rule: string | null;
	/** Failover rules of action wait. */
	holding: Holding;
	why: string;
	goal: "start" | "prim" | "primforce" | "second";
	fullsync: "take" | "give" | null;
	/** Caller who waits to hear whether prim, primforce or second succeeded. */
	request: number | null;
	plan: { number: number; kind: PlanKind } | null;
	plans: number;
	/** A command that waits for the running plan to end. */
	next: CommandEvent | null;
	stopping: Stopping | null;
	/** Why this start does not go on by itself, although it could; cleared by the timer `held` or a command. */
	held: string | null;
	/** Monotonic: when it tries again by itself; null: when a person says so. */
	heldUntilMs: number | null;
	heartbeats: Record<string, boolean>;
	link: boolean;
	/** What the peer last said; counts only while a heartbeat is up (`heardPeer`). */
	says: MirrorAnnouncement | null;
	/** The peer's state as last logged. */
	remote: string;
	/** Long enough since the start to have heard a living peer. */
	waited: boolean;
	records: NodeRecords | null;
	opened: boolean;
	/** This node may be changing data or holding the address. */
	serving: boolean;
	/** The replication process has confirmed it: a session may be offered. */
	writable: boolean;
	servedTerm: number;
	ended: number;
	/** Applications run without replication (M21). */
	degraded: boolean;
	session: Session | null;
	loss: Loss | null;
	/** The replication process died and a new one takes over: from `term` on a new one is needed. */
	healing: { term: number; ordered: boolean } | null;
	/** When it died, within the last minute: monotonic milliseconds. */
	deaths: readonly number[];
	/** The mounts did not answer in time, and have not been opened anew. */
	silent: boolean;
	/** Secondary: the seal that the primary asked for is ordered. */
	sealing: boolean;
	ping: "idle" | "asked" | "yes" | "no";
	lease: LeaseView;
	/** A request to the witness has not been answered yet. */
	askedWitness: boolean;
	/** PRIM before the other is SECOND: it is on its way (swap, or both started together without replication). */
	expecting: boolean;
	/** Both nodes were seen serving, and the log has said what becomes of it. */
	splitSeen: boolean;
	/** The session with this term was swapped on purpose: no automatic swap back. */
	swapped: boolean;
	/** Was primary at its last stop (`defaultprim="lastprim"`). */
	wasPrimary: boolean;
	/** Held by failover="off" until a person or the primary comes. */
	failoverHeld: boolean;
	failover: boolean;
	loop: LoopCounter;
	/** Wall clock of the last moment at which both copies were known to be the same. */
	syncedWallMs: number | null;
	/** The resource rfs.synced, as last set; null: never. */
	fresh: boolean | null;
	/** syncat: the next synchronization may begin. */
	syncAtOpen: boolean;
}

/** What a mirror's pulses carry. */
export interface MirrorAnnouncement extends Announcement {
	records: NodeRecords | null;
	serves: boolean;
	ended: number;
	/** Willing to meet: replication is open and nothing else is under way. */
	ready: boolean;
	/** Source: the session that the other may join. */
	offer: { term: number; outcome: MeetingOutcome; everything: boolean; quarantine: boolean } | null;
	/** Target: the session that this node was ordered to join. */
	joining: number;
	/** Source: seal this term, the link is lost. */
	wantSeal: number;
	/** `handed`: stopped and sealed for a swap, take over. `ask`: please swap (defaultprim). */
	swap: "handed" | "ask" | null;
	/** Set when this module has no replication: how it would rank if nobody serves yet. */
	rank: number;
	fullsync: "take" | "give" | null;
	degraded: boolean;
}

/** The state of a stopped module. */
export function initialState(config: ModeConfig): MirrorState {
	return {
		config,
		phase: "stopped",
		main: "STOP",
		status: "NotReady",
		rule: null,
		holding: nothingHolds,
		why: "The module is stopped",
		goal: "start",
		fullsync: null,
		request: null,
		plan: null,
		plans: 0,
		next: null,
		stopping: null,
		held: null,
		heldUntilMs: null,
		heartbeats: Object.fromEntries(config.heartbeats.map((ident) => [ident, false])),
		link: false,
		says: null,
		remote: "UNKNOWN Unknown",
		waited: false,
		records: null,
		opened: false,
		serving: false,
		writable: false,
		servedTerm: 0,
		ended: 0,
		degraded: false,
		session: null,
		loss: null,
		healing: null,
		deaths: [],
		silent: false,
		sealing: false,
		ping: "idle",
		lease: unseenLease,
		askedWitness: false,
		expecting: false,
		splitSeen: false,
		swapped: false,
		wasPrimary: false,
		failoverHeld: false,
		failover: config.failover,
		loop: noErrors,
		syncedWallMs: null,
		fresh: null,
		syncAtOpen: false,
	};
}

/** Any heartbeat arrives. */
export function isHeard(state: MirrorState): boolean {
	return Object.values(state.heartbeats).some((up) => up);
}

/** What the peer says, if it is heard. */
export function heardPeer(state: MirrorState): MirrorAnnouncement | null {
	return isHeard(state) ? state.says : null;
}

/** Every heartbeat is silent, and no replication link lives either. */
export function isIsolated(state: MirrorState): boolean {
	return !isHeard(state) && !state.link;
}
