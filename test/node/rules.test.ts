/** The loop around the failover machine: real time, real resources, and what `state` and the log show of them. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import type { MainState } from "../../core/engine/contract.ts";
import type { RuleEvent } from "../../core/engine/rules/machine.ts";
import { systemClock } from "../../core/log/clock.ts";
import { Resources, resourceLine } from "../../core/log/resources.ts";
import type { ModuleConfiguration } from "../../core/module/configuration.ts";
import { defaultFailover } from "../../core/module/settings/failover.ts";
import { RuleLoop } from "../../core/node/rules.ts";
import { makeTestFolder } from "../folder.ts";

const handleTimeMs = 400;

function loop(t: ExecutionContext, text: string) {
	const folder = makeTestFolder("rules");
	const resources = new Resources(join(folder, "resource.db"));
	t.teardown(() => {
		resources.close();
		rmSync(folder, { recursive: true, force: true });
	});
	const failoverRules = {
		...defaultFailover,
		handleTimeMs,
		sections: [{ language: "rules", text, line: 1, column: 1 }],
	};
	const module = {
		configuration: { failoverRules, checkers: [] } as unknown as ModuleConfiguration,
		resources,
		peerResources: {} as Record<string, string>,
		idle: true,
		main: "ALONE" as MainState,
		peer: "UNKNOWN",
		view: () => ({ main: module.main, held: [], peer: { state: module.peer } }),
	};
	const said: { text: string; atMs: number }[] = [];
	const rules = new RuleLoop(module, systemClock, ({ rule, action, holds }: RuleEvent) => {
		if (holds) said.push({ text: `${action} by ${rule}`, atMs: performance.now() });
	});
	t.teardown(() => rules.close());
	const set = (name: string, value: string): number => {
		resources.set(name, value, "test");
		rules.look();
		return performance.now();
	};
	return { module, said, rules, set };
}

test("an action begins when handle_time is over, and not long after", async (t) => {
	const { said, set } = loop(t, "a: if (custom.x == down) then restart();");
	set("custom.x", "up");
	const atMs = set("custom.x", "down");
	await sleep(handleTimeMs / 2);
	t.deepEqual(said, []);
	await sleep(handleTimeMs);
	t.is(said[0]?.text, "restart by a");
	const overMs = (said[0]?.atMs ?? 0) - atMs - handleTimeMs;
	t.log(`${Math.round(overMs)} ms over handle_time`);
	// Timers fire a moment early; a busy machine is late.
	t.true(overMs >= -20 && overMs < 3000);
});

test("the other server's resources are unknown while it is not heard", async (t) => {
	const { module, said, rules } = loop(t, "a: if (remote.custom.x == down) then stopstart();");
	module.peerResources = { "custom.x": "down" };
	rules.look();
	await sleep(handleTimeMs * 1.5);
	t.deepEqual(said, []);
	module.peer = "PRIM";
	rules.look();
	await sleep(handleTimeMs * 1.5);
	t.deepEqual(
		said.map(({ text }) => text),
		["stopstart by a"],
	);
});

test("a closed loop says nothing any more", async (t) => {
	const { said, rules, set } = loop(t, "a: if (custom.x == down) then restart();");
	set("custom.x", "down");
	rules.close();
	await sleep(handleTimeMs * 1.5);
	t.deepEqual(said, []);
});

test("the documented line for a new value, by class", (t) => {
	t.deepEqual(resourceLine("tcp.web", "down", "tcpcheck"), [
		"tcpcheck",
		"C",
		"Resource tcp.web set to down by tcpcheck",
	]);
	t.deepEqual(resourceLine("custom.x", "up", "mycheck.sh"), [
		"safekit",
		"I",
		"Resource custom.x set to up by mycheck.sh",
	]);
	t.is(resourceLine("rfs.syncat", "up", "root"), null);
	t.is(resourceLine("connections.10.0.0.1", "12", "vipd"), null);
});
