/** The scripts of a simulated server: recorded instead of run, as long and with the end that a test says; or really run. */
import type { ScriptHands } from "../../../core/node/hands.ts";
import type { RunningScript, ScriptRequest, ScriptResult } from "../../../core/scripts/runner.ts";
import { Behaviour } from "../scripted/behaviour.ts";
import type { Life, VirtualClock } from "./clock.ts";

/** How long a script takes unless a test says otherwise. */
const usualMs = 200;

/**
 * One run of a script of the module.
 *
 * @example
 * const [first] = n1.scriptRuns("stop_prim");
 * assert.equal(first?.args.join(" "), "PRIM SECOND swap");
 */
export interface ScriptRun {
	/** `start_prim`, `stop_both`, `prestart`, … */
	script: string;
	/** As the script gets them: `force` first where it applies, then state, next state and action. */
	args: readonly string[];
	/** Virtual milliseconds since the cluster was made. */
	startedMs: number;
	endedMs: number | null;
	/** Null: it runs still, or was killed. */
	exitCode: number | null;
}

/** What a test has said of one script. */
export class ScriptPlan {
	tookMs = usualMs;
	readonly exits = new Behaviour<number>();
	/** Called when it ends. */
	does: ((run: ScriptRun) => void | Promise<void>) | null = null;
	real = false;
}

export interface ScriptParts {
	clock: VirtualClock;
	life: () => Life;
	/** The module has such a script. */
	exists(script: string): boolean;
	plan(script: string): ScriptPlan;
	/** Really runs one. */
	runReal(request: ScriptRequest): Promise<RunningScript | null>;
	began(run: ScriptRun): void;
	ended(run: ScriptRun, how: string): void;
}

export class Scripts implements ScriptHands {
	readonly runs: ScriptRun[] = [];
	readonly #parts: ScriptParts;
	#pids = 10_000;

	constructor(parts: ScriptParts) {
		this.#parts = parts;
	}

	async start(request: ScriptRequest): Promise<RunningScript | null> {
		if (!this.#parts.exists(request.script)) return null;
		const run = this.#begin(request);
		return this.#parts.plan(request.script).real ? await this.#runReal(request, run) : this.#record(request, run);
	}

	adopt(): null {
		return null;
	}

	find(): null {
		return null;
	}

	async show(request: ScriptRequest): Promise<{ ran: boolean; exitCode: number | null }> {
		const script = await this.start(request);
		if (script === null) return { ran: false, exitCode: null };
		return { ran: true, exitCode: (await script.ended).exitCode };
	}

	#begin({ script, args }: ScriptRequest): ScriptRun {
		const startedMs = this.#parts.clock.nowMs();
		const run: ScriptRun = { script, args: [...args], startedMs, endedMs: null, exitCode: null };
		this.runs.push(run);
		this.#parts.began(run);
		return run;
	}

	async #runReal(request: ScriptRequest, run: ScriptRun): Promise<RunningScript | null> {
		const { clock } = this.#parts;
		const script = await clock.during(() => this.#parts.runReal(request));
		if (script === null) return null;
		const ended = clock.during(() => script.ended).then(async (result) => await this.#end(run, result));
		return { ...script, ended };
	}

	#record({ timeoutMs }: ScriptRequest, run: ScriptRun): RunningScript {
		const { plan } = this.#parts;
		const life = this.#parts.life();
		const { tookMs, exits } = plan(run.script);
		const { promise, resolve } = Promise.withResolvers<ScriptResult>();
		const result = (exitCode: number | null, timedOut: boolean): ScriptResult => {
			return { ran: true, exitCode, timedOut, userlog: null };
		};
		const overdue = timeoutMs !== null && tookMs > timeoutMs;
		const alarm = life.after(overdue ? timeoutMs : tookMs, () => {
			resolve(overdue ? result(null, true) : result(exits.take() ?? 0, false));
		});
		const kill = (): void => {
			alarm.cancel();
			resolve(result(null, false));
		};
		const ended = promise.then((value) => this.#end(run, value));
		return { pid: this.#pids++, startTime: String(run.startedMs), userlog: null, ended, kill };
	}

	async #end(run: ScriptRun, result: ScriptResult): Promise<ScriptResult> {
		const { clock, plan, ended } = this.#parts;
		run.endedMs = clock.nowMs();
		run.exitCode = result.exitCode;
		ended(run, result.timedOut ? "did not end in time" : result.exitCode === null ? "killed" : `${result.exitCode}`);
		if (result.exitCode !== null) await plan(run.script).does?.(run);
		return result;
	}
}
