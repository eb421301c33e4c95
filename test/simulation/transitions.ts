/** Which transitions of spec/01 §3 a run has gone through, told from states, events and log lines. */
import type { Effect, EngineEvent } from "../../core/engine/contract.ts";
import type { MirrorState } from "../../plugins/mirror/state.ts";

interface Seen {
	readonly name: string;
	readonly state: MirrorState;
}

/** What a node was doing when it last left a state, so that an arrival can be named. */
interface Way {
	from: string;
	goal: string;
	restarting: boolean;
	stopstart: boolean;
	fromPrim: boolean;
	together: boolean;
	bySwap: boolean;
	byDefaultprim: boolean;
	exiting: boolean;
	staying: boolean;
	failoverOff: boolean;
	frozen: boolean;
}

const noWay: Way = {
	from: "STOP",
	goal: "start",
	restarting: false,
	stopstart: false,
	fromPrim: false,
	together: false,
	bySwap: false,
	byDefaultprim: false,
	exiting: false,
	staying: false,
	failoverOff: false,
	frozen: false,
};

export class Transitions {
	readonly seen = new Set<string>();
	readonly #ways = new Map<string, Way>();

	see(node: Seen, before: MirrorState, event: EngineEvent, effects: readonly Effect[]): undefined {
		const way = this.#ways.get(node.name) ?? { ...noWay };
		this.#ways.set(node.name, way);
		const { state } = node;
		for (const effect of effects) if (effect.type === "log") this.#line(way, before, effect.text);
		if (event.type === "replication" && event.fact.fact === "frozen") way.frozen = true;
		if (event.type === "replication" && event.fact.fact === "thawed") way.frozen = false;
		if (before.phase === "stopped" && state.phase === "starting") way.goal = state.goal;
		if (state.phase === "waiting" && state.goal !== "start") way.goal = state.goal;
		if (event.type === "replication" && event.fact.fact === "died" && state.degraded) this.seen.add("M21");
		const was = `${before.main} ${before.status}`;
		const is = `${state.main} ${state.status}`;
		if (was !== is) this.#arrive(way, before, state, is);
	}

	#line(way: Way, before: MirrorState, text: string): undefined {
		if (text === "Split brain recovery: staying alone") way.staying = true;
		if (text === "Split brain recovery: exiting alone") way.exiting = true;
		if (text === "Begin of Swap" && before.main === "PRIM") way.bySwap = true;
		if (text === "Transition SWAP from defaultprim") way.byDefaultprim = true;
		if (text === "Transition STOPSTART from failover-off") way.failoverOff = true;
		if (text.startsWith("Action stopstart called by root") && before.main === "PRIM") way.stopstart = true;
		if (text.startsWith("Action shutdown")) way.goal = "shutdown";
		if (text.startsWith("Action forcestop")) way.goal = "forcestop";
		if (text.startsWith("Action restart called") && (before.main === "PRIM" || before.main === "ALONE")) {
			way.restarting = true;
		}
		if (text === "Action alone called by heart: remote stop" && before.phase === "secondary") this.seen.add("M9");
		if (text === "Action alone called by heart: no heartbeat" && before.phase === "secondary") this.seen.add("M10");
		if (text === "Requested prim start aborted") this.seen.add("M6");
		if (text === "Requested second start aborted") this.seen.add("M8");
		if (text === "Action stop called by maxloop") this.seen.add("M25");
		if (text.startsWith("Transition WAIT_TR from failover rule r_")) this.seen.add("M18");
		if (text === "Action wakeup from failover rule Implicit_wakeup" && before.rule === "r_wait") this.seen.add("M19");
	}

	#arrive(way: Way, before: MirrorState, state: MirrorState, is: string): undefined {
		const { seen } = this;
		const replicatedFirst = state.records?.epoch === null;
		if (is === "WAIT NotReady" && state.rule === "notuptodate_server") seen.add(replicatedFirst ? "M5" : "M4");
		if (is === "WAIT NotReady" && way.failoverOff) this.#once(way, "failoverOff", "M20");
		if (before.main === "SECOND" && before.status === "Transient" && state.phase === "stopping") seen.add("M11");
		if (is === "WAIT Transient" && before.main === "STOP") way.together = (state.says?.main ?? "") === "WAIT";
		if (state.main === "ALONE" && before.main === "WAIT") {
			if (way.goal === "prim") seen.add("M6");
			else if (way.goal === "primforce") seen.add("M7");
			else if (state.session !== null) seen.add("M3");
			else seen.add("M1");
		}
		if (state.main === "PRIM" && before.main === "WAIT") seen.add("M3");
		if (is === "SECOND Ready") this.#arriveSecond(way);
		if (before.main === "PRIM" && state.main === "ALONE") {
			seen.add("M12");
			if (way.frozen) this.#once(way, "frozen", "M22");
		}
		if (way.restarting && before.status === "Transient" && state.status === "Ready")
			this.#once(way, "restarting", "M13");
		if (is === "PRIM Ready" && way.staying) this.#once(way, "staying", "M23");
		if (is === "PRIM Ready" && way.byDefaultprim) this.#once(way, "byDefaultprim", "M16");
		if (is === "STOP NotReady") {
			const how = { shutdown: "M27", forcestop: "M26" }[way.goal] ?? "M17";
			if (state.phase === "stopped") seen.add(how);
			way.goal = "start";
		}
	}

	#arriveSecond(way: Way): undefined {
		if (way.goal === "second") this.seen.add("M8");
		else this.seen.add("M2");
		if (way.bySwap) this.#once(way, "bySwap", "M15");
		if (way.stopstart) this.#once(way, "stopstart", "M14");
		if (way.exiting) this.#once(way, "exiting", "M24");
	}

	#once(
		way: Way,
		flag: "failoverOff" | "frozen" | "restarting" | "staying" | "byDefaultprim" | "bySwap" | "stopstart" | "exiting",
		name: string,
	): undefined {
		way[flag] = false;
		this.seen.add(name);
	}
}
