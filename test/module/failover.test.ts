/** `<failover>`: what is wrong with its rules is said with line and column of userconfig.xml. */
import test from "ava";
import type { Problem } from "../../core/errors.ts";
import type { ModuleConfiguration } from "../../core/module/configuration.ts";
import { inspect } from "../../core/module/inspect.ts";
import { schema } from "./place.ts";

function inspected(failover: string, mode = "mirror"): { problems: Problem[]; configuration?: ModuleConfiguration } {
	const heart = mode === "mirror" ? '<heart><heartbeat name="default"/></heart>' : "";
	const xml = `<safe>\n<service mode="${mode}">${heart}\n${failover}\n</service></safe>`;
	return inspect(new TextEncoder().encode(xml), "u.xml", "m", 1, { schema, environment: {}, purpose: "config" });
}

function places(failover: string, mode?: string): string[] {
	return inspected(failover, mode).problems.map(
		({ line, column, code, severity, message }) => `${line}:${column} ${severity} ${code} ${message}`,
	);
}

test("rules are kept with their places; nothing is wrong with them", (t) => {
	const { problems, configuration } = inspected(
		'<failover extends="no" period="1s" handle_time="3s">\n<![CDATA[\r\na: if (tcp.? == down) then wait();\r\n]]>\n<![CDATA[--Lua Rules\nRules.disable("p_x")]]></failover>',
	);
	t.deepEqual(problems, []);
	t.deepEqual(configuration?.failoverRules, {
		extends: false,
		periodMs: 1000,
		handleTimeMs: 3000,
		sections: [
			{ language: "rules", text: "\na: if (tcp.? == down) then wait();\n", line: 4, column: 10 },
			{ language: "lua", text: '--Lua Rules\nRules.disable("p_x")', line: 7, column: 10 },
		],
	});
});

test("errors point at the character, in CDATA and in plain text", (t) => {
	t.deepEqual(places("<failover><![CDATA[\n\ta: if (tcp.? == down) than wait();\n]]></failover>"), [
		"4:24 error CONFIG_RULE expected then after the condition, found than",
	]);
	t.deepEqual(places("<failover>a: if (tcp.a == down &amp;&amp; ) then wait();</failover>"), [
		"3:43 error CONFIG_RULE expected a resource (class.id) or a state (init, down, up, unknown), found )",
	]);
	t.deepEqual(places("<failover><!-- two\nlines --><![CDATA[x]]></failover>"), [
		"4:20 error CONFIG_RULE expected : after the label x, found the end of the rules",
	]);
	t.deepEqual(
		places("<failover><![CDATA[--Lua Rules\nRules = Rules + { a=if_then('tcp.x','down',Action.boot) }]]></failover>"),
		[
			"4:44 error CONFIG_RULE expected an action: Action.stop, Action.wait, Action.stopstart, Action.swap, Action.restart, found Action.boot",
		],
	);
	t.deepEqual(
		places("<failover><![CDATA[a: if (x.y) then wait();]]><![CDATA[\na: if (x.y) then wait();]]></failover>"),
		["4:1 error CONFIG_REPEATED two rules have the label a"],
	);
});

test("warnings: what can never be true, odd states, rules of the product, handle_time", (t) => {
	t.deepEqual(
		places("<failover><![CDATA[a: if (remote.tcp.a == dwon) then wait();]]></failover>", "light").slice(0, 2),
		[
			"3:27 warning CONFIG_RULE rule a: resources of other servers are known only in mode mirror",
			"3:43 warning CONFIG_RULE rule a: dwon is no usual state",
		],
	);
	t.deepEqual(
		places("<failover><![CDATA[splitbrain_failure: if (splitbrain.uptodate == down) then wait();]]></failover>"),
		["3:20 warning CONFIG_REPEATED the product carries splitbrain_failure out itself; what stands here has no effect"],
	);
	t.deepEqual(places("<failover><![CDATA[a: if (tcp.a == down) then swap();]]></failover>", "light").slice(0, 1), [
		"3:20 warning CONFIG_RULE rule a: only a module of mode mirror can swap",
	]);
	t.deepEqual(places('<failover handle_time="16s"/>'), [
		"3:11 warning CONFIG_VALUE handle_time is no multiple of period (5000 ms)",
	]);
});
