/** What commands come to in every mode: their log line, their turn, and the counter of errors (spec/01 §6, spec/04 §3). */
import type { ModeContext, Planned } from "./context.ts";
import type { CommandEvent, ModeConfig } from "./contract.ts";
import { countError, type LoopCounter, loopResource } from "./maxloop.ts";
import { type Refusal, refusal } from "./refusal.ts";

/** What a state needs for commands. */
export interface Commanded extends Planned<string> {
	config: ModeConfig;
	/** A command that waits for the running plan to end. */
	next: CommandEvent | null;
	loop: LoopCounter;
}

type Commandable = ModeContext<Commanded, string>;

/**
 * Says no, to the caller and in the log: who reads it has seen that the action was called, and would wait for it.
 *
 * @example
 * if (s.phase === "stopped") return refuseCommand(ctx, event, "MODULE_NOT_STARTED", "The module is stopped");
 */
export function refuseCommand(
	ctx: Commandable,
	event: CommandEvent,
	code: Refusal["code"],
	message: string,
): undefined {
	ctx.log("heart", "E", `Requested ${event.command} refused: ${message}`);
	ctx.answer(event.request, refusal(code, message));
}

/**
 * The line of a command, and a fresh count of errors where a person gave it.
 *
 * @example
 * beginCommand(ctx, event);
 * ctx.plan("restarting", restartSteps("PRIM"));
 */
export function beginCommand(ctx: Commandable, event: CommandEvent): void {
	const by = event.identity ?? event.who;
	const how = event.who === "boot" ? "called at boot time" : `called by ${by}`;
	ctx.log("heart", "U", `Action ${event.command} ${how}`);
	if (event.identity === undefined && ctx.s.loop.count > 0) count(ctx, { count: 0, sinceWallMs: ctx.event.wallMs });
}

/** Its date is that of the last error or reset, its history has them all. */
function count(ctx: Commandable, loop: LoopCounter): void {
	ctx.s.loop = loop;
	ctx.renew("heart.stopstartloop", loopResource(loop));
}

/**
 * Keeps a command until the running plan has ended. One that stops comes before one that does not.
 *
 * @example
 * if (s.plan !== null) return keepCommand(ctx, event);
 */
export function keepCommand(ctx: Commandable, event: CommandEvent): undefined {
	const { next } = ctx.s;
	const stops = event.command === "stop" || event.command === "shutdown" || event.command === "stopstart";
	if (next !== null && !stops) {
		return refuseCommand(ctx, event, "MODULE_BUSY", `The module still has to carry out ${next.command}`);
	}
	if (next !== null) refuseCommand(ctx, next, "MODULE_BUSY", `${event.command} came first`);
	ctx.s.next = event;
}

/**
 * incloop, resetloop: for handlers that act themselves; the module's own actions are counted where they begin.
 *
 * @example
 * if (event.command === "incloop" || event.command === "resetloop") return setLoop(ctx, event);
 */
export function setLoop(ctx: Commandable, event: CommandEvent): undefined {
	const { s } = ctx;
	const counted = countError(s.loop, ctx.event.wallMs, s.config);
	const exceeded = event.command === "incloop" && counted.exceeded;
	count(ctx, event.command === "incloop" ? counted.counter : { count: 0, sinceWallMs: ctx.event.wallMs });
	const message = `${s.loop.count} errors within loop_interval, maxloop is ${s.config.maxloop}`;
	ctx.answer(event.request, exceeded ? refusal("LOOP_LIMIT", message) : undefined);
}

/**
 * M25: counts one more action that an error caused. True if that is one too many, which the log then says: stop.
 *
 * @example
 * if (event.identity !== undefined && exceedsLoop(ctx)) return stopByLoop(ctx);
 */
export function exceedsLoop(ctx: Commandable): boolean {
	const counted = countError(ctx.s.loop, ctx.event.wallMs, ctx.s.config);
	count(ctx, counted.counter);
	if (counted.exceeded) ctx.log("heart", "C", "Action stop called by maxloop");
	return counted.exceeded;
}

/**
 * The sentence that a person then reads.
 *
 * @example
 * loopWhy({ ...config, maxloop: 3 }); // "Stopped by maxloop: more than 3 errors …"
 */
export function loopWhy({ maxloop }: ModeConfig): string {
	return `Stopped by maxloop: more than ${maxloop} errors within loop_interval. See the log, mend the cause, then safekit start`;
}
