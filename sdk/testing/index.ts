/**
 * What tests of modules import, as "opensafe/testing": a simulated cluster of servers in virtual time. `safekit
 * module test` runs them.
 *
 * @example
 * import assert from "node:assert/strict";
 * import { cluster, test } from "opensafe/testing";
 *
 * test("n2 takes over when n1 loses power", async () => {
 * 	const both = await cluster();
 * 	await both.start();
 * 	both.n1.losesPower();
 * 	await both.n2.becomes("ALONE", { within: "1m" });
 * 	assert.equal(both.n2.scriptRuns("start_prim").length, 1);
 * });
 */
export { type Cluster, type ClusterOf, type ClusterOptions, cluster } from "./cluster.ts";
export type { Time } from "./duration.ts";
export { test } from "./register.ts";
export type { Delay, Repeat } from "./scripted/behaviour.ts";
export type { HttpPage, ScriptedAddress, ScriptedFile, ScriptedProgram, TcpPort } from "./scripted/things.ts";
export type { ScriptedWorld } from "./scripted/world.ts";
export type { CommandOptions, Server, ServerProcess, ServerScript, StateText, Within } from "./server.ts";
export type { ScriptRun } from "./simulation/scripts.ts";
export type { EventKind, Timeline, TimelineEvent } from "./simulation/timeline.ts";
