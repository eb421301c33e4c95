/** What an automaton gets to know of a module: from its configuration and the cluster. */
import { createHash } from "node:crypto";
import type { ModeConfig } from "../engine/contract.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";

/** Used where a module has no heartbeat: only how long to wait for a peer that does not exist. */
const defaultTimeoutMs = 30_000;

/** What `OPENSAFE_SABOTAGE` switches off in the decisions, to prove that tests find its absence. */
const sabotagedRules: Readonly<Record<string, "sync" | "uptodate">> = {
	"no-sync": "sync",
	"crashed-start": "uptodate",
};

/** `peer` is null where the mode has none; `sabotage` is the value of OPENSAFE_SABOTAGE. */
export function modeConfigOf(
	configuration: ModuleConfiguration,
	node: string,
	peer: string | null,
	sabotage = "",
): ModeConfig {
	const rules = { witness: true, freeze: true, sync: true, epoch: true, marks: true, uptodate: true };
	const off = sabotagedRules[sabotage];
	const heartbeats = configuration.heart?.heartbeats ?? [];
	const { rfs } = configuration;
	return {
		module: configuration.module,
		node,
		peer,
		heartbeats: heartbeats.map(({ ident }) => ident),
		timeoutMs: heartbeats.length === 0 ? defaultTimeoutMs : Math.max(...heartbeats.map(({ timeoutMs }) => timeoutMs)),
		replicated: rfs !== null && rfs.directories.length > 0,
		async: rfs?.async ?? "second",
		lockTimeoutMs: rfs?.lockTimeoutMs ?? 0,
		sendTimeoutMs: rfs?.sendTimeoutMs ?? 0,
		syncDeltaMs: rfs?.syncDeltaMs ?? 0,
		syncAt: (rfs?.syncAt ?? null) !== null,
		defaultprim: configuration.defaultprim,
		failover: configuration.failover,
		maxloop: configuration.maxloop,
		loopIntervalMs: configuration.loopIntervalMs,
		automaticReboot: configuration.automaticReboot,
		splitbrainPing: configuration.splitbrain !== null,
		leaseWitness: false,
		rules: off === undefined ? rules : { ...rules, [off]: false },
	};
}

/** What may change while the module runs: an automaton takes it on from the event `configured`. */
type Dynamic =
	| "heartbeats"
	| "timeoutMs"
	| "async"
	| "maxloop"
	| "loopIntervalMs"
	| "automaticReboot"
	| "splitbrainPing";

/**
 * Two equal digests: a stored state fits the configuration. Where there is no peer, the node's name is nobody's business:
 * a farm that runs goes on as it was started, also under a cluster.xml that names its server otherwise.
 */
export function digestOf(mode: ModeConfig): string {
	const { heartbeats, timeoutMs, async, maxloop, loopIntervalMs, automaticReboot, splitbrainPing, ...fixed } = mode;
	return createHash("sha256")
		.update(
			JSON.stringify({ ...fixed, node: fixed.peer === null ? "" : fixed.node } satisfies Omit<ModeConfig, Dynamic>),
		)
		.digest("hex")
		.slice(0, 32);
}
