/**
 * The steps that the plans of all modes are made of, in the order of the script automaton (spec/03 §3). Of a class X
 * the checkers and watched processes run from after start_X to before stop_X.
 */
import type { MainState, Step, WatchClass } from "./contract.ts";

/** What the scripts of one transition are told. */
export interface Passage {
	from: MainState;
	to: MainState;
	action: string;
	/** Only these services: the list after `-Services`. */
	services?: string;
}

/**
 * One run of a script. `force`: the second, forced call of a stop script.
 *
 * @example
 * script({ from: "WAIT", to: "PRIM", action: "start" }, "start_prim");
 */
export function script(passage: Passage, name: string, force = false): Step {
	return { do: "script", script: name, ...(force ? { force } : {}), ...passage };
}

/**
 * Checkers of a class on or off.
 *
 * @example
 * watch("prim", false); // the checkers and processes of class prim are not watched any more
 */
export function watch(of: WatchClass, enable: boolean): Step {
	return { do: "checkers", class: of, enable };
}

/**
 * start_X, then its checkers.
 *
 * @example
 * const passage = { from: "WAIT", to: "PRIM", action: "start" } as const;
 * startClass(passage, "prim"); // start_prim, then the checkers of class prim
 */
export function startClass(passage: Passage, of: WatchClass): Step[] {
	return [script(passage, `start_${of}`), watch(of, true)];
}

/**
 * Its checkers off, then stop_X, once and gracefully.
 *
 * @example
 * stopClass({ from: "PRIM", to: "WAIT", action: "stop" }, "prim");
 */
export function stopClass(passage: Passage, of: WatchClass): Step[] {
	return [watch(of, false), script(passage, `stop_${of}`)];
}

/**
 * Nice, then force: the rows that the diagram marks as called twice.
 *
 * @example
 * stopClassTwice({ from: "PRIM", to: "PRIM", action: "restart" }, "prim");
 */
export function stopClassTwice(passage: Passage, of: WatchClass): Step[] {
	return [...stopClass(passage, of), script(passage, `stop_${of}`, true)];
}

/**
 * The script that hears of every transition.
 *
 * @example
 * transition({ from: "STOP", to: "WAIT", action: "start" });
 */
export function transition(passage: Passage): Step {
	return script({ from: passage.from, to: passage.to, action: passage.action }, "transition");
}

/**
 * The virtual addresses on or off.
 *
 * @example
 * ctx.plan("starting", [virtualAddress(true), ...startClass(passage, "prim")]);
 */
export function virtualAddress(set: boolean): Step {
	return { do: "vip", set };
}

/**
 * A farm's clients are let in, or go to the other servers.
 *
 * @example
 * ctx.plan("leave", [traffic(false), ...leaveSteps("UP", "stop")]);
 */
export function traffic(open: boolean): Step {
	return { do: "traffic", open };
}

/**
 * The classes that run in a main state, in the order in which they are stopped.
 *
 * @example
 * classesOf("PRIM"); // ["prim", "both"]
 */
export function classesOf(main: MainState): WatchClass[] {
	if (main === "SECOND") return ["sec", "second", "both"];
	return main === "PRIM" ? ["prim", "both"] : ["sec", "prim", "both"];
}

/**
 * STOP→WAIT.
 *
 * @example
 * ctx.plan("starting", prestartSteps("start"));
 */
export function prestartSteps(action: string): Step[] {
	const passage: Passage = { from: "STOP", to: "WAIT", action };
	return [transition(passage), script(passage, "prestart"), watch("pre", true)];
}

/**
 * Restart in place: scripts only, all stopped before the first is started.
 *
 * @example
 * ctx.plan("restarting", restartSteps("PRIM", "nginx, postgresql"));
 */
export function restartSteps(main: MainState, services?: string): Step[] {
	const passage: Passage = { from: main, to: main, action: "restart", ...(services === undefined ? {} : { services }) };
	const classes = classesOf(main);
	const stops = classes.flatMap((of) => stopClassTwice(passage, of));
	return [...stops, ...classes.reverse().flatMap((of) => startClass(passage, of))];
}

/**
 * A state in which the application runs→WAIT: once, gracefully.
 *
 * @example
 * ctx.plan("leaving", leaveSteps("PRIM", "stop"));
 */
export function leaveSteps(main: MainState, action: string): Step[] {
	const passage: Passage = { from: main, to: "WAIT", action };
	return [...classesOf(main).flatMap((of) => stopClass(passage, of)), transition(passage)];
}

/**
 * The application's part of WAIT→STOP. `leftFrom`: a state that was not left gracefully, so that its checkers still run.
 *
 * @example
 * ctx.plan("stopping", [...forceSteps("stop", "PRIM"), ...poststopSteps("stop")]);
 */
export function forceSteps(action: string, leftFrom: MainState): Step[] {
	const passage: Passage = { from: "WAIT", to: "STOP", action };
	const watched = leftFrom === "WAIT" ? [] : classesOf(leftFrom).map((of) => watch(of, false));
	return [...watched, ...["sec", "prim", "second", "both"].map((of) => script(passage, `stop_${of}`, true))];
}

/**
 * The end of WAIT→STOP.
 *
 * @example
 * ctx.plan("stopping", poststopSteps("stop"));
 */
export function poststopSteps(action: string): Step[] {
	const passage: Passage = { from: "WAIT", to: "STOP", action };
	return [watch("pre", false), script(passage, "poststop"), transition(passage)];
}
