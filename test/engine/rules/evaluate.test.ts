import test from "ava";
import { evaluate, type Facts } from "../../../core/engine/rules/evaluate.ts";
import { parseRules } from "../../../core/engine/rules/parse.ts";

interface World {
	local?: Record<string, string>;
	/** Absent: the other server is not heard. */
	remote?: Record<string, string>;
	muted?: string[];
	cluster?: boolean;
}

function values(record: Record<string, string>) {
	return { get: (name: string) => record[name], names: () => Object.keys(record) };
}

/** `yes`, `no`, `open`, or `open tcp.a` when that resource is what is missing. */
function truth(text: string, { local = {}, remote, muted = [], cluster = true }: World): string {
	const [rule] = parseRules(`r: if (${text}) then wait();`, true);
	const facts: Facts = {
		local: values(local),
		remote: remote === undefined ? null : values(remote),
		cluster,
		muted: (name) => muted.includes(name),
	};
	const verdict = rule === undefined ? { truth: "", init: null } : evaluate(rule.when, facts);
	return verdict.init === null ? verdict.truth : `${verdict.truth} ${verdict.init}`;
}

const cases: [text: string, world: World, expected: string][] = [
	["tcp.a == down", { local: { "tcp.a": "down" } }, "yes"],
	["tcp.a == down", { local: { "tcp.a": "up" } }, "no"],
	["tcp.a != up", { local: { "tcp.a": "down" } }, "yes"],
	["tcp.a != up", { local: { "tcp.a": "up" } }, "no"],
	["down == tcp.a", { local: { "tcp.a": "down" } }, "yes"],
	// Nobody can say while there is no value.
	["tcp.a == down", { local: { "tcp.a": "init" } }, "open tcp.a"],
	["tcp.a != up", { local: { "tcp.a": "init" } }, "open tcp.a"],
	["!(tcp.a == down)", { local: { "tcp.a": "init" } }, "open tcp.a"],
	["tcp.a == down", {}, "open"],
	["tcp.a == init", { local: { "tcp.a": "init" } }, "yes"],
	["tcp.a == init", {}, "yes"],
	["tcp.a != init", { local: { "tcp.a": "up" } }, "yes"],
	["tcp.a == unknown", { local: { "tcp.a": "unknown" } }, "yes"],
	// What is open does not matter where the rest decides.
	["tcp.a == down && tcp.b == down", { local: { "tcp.a": "init", "tcp.b": "up" } }, "no"],
	["tcp.a == down && tcp.b == down", { local: { "tcp.a": "init", "tcp.b": "down" } }, "open tcp.a"],
	["tcp.a == down || tcp.b == down", { local: { "tcp.a": "init", "tcp.b": "down" } }, "yes"],
	["tcp.a == down || tcp.b == down", { local: { "tcp.a": "init", "tcp.b": "up" } }, "open tcp.a"],
	// Wildcards.
	["tcp.? == down", { local: { "tcp.a": "up", "tcp.b": "down" } }, "yes"],
	["tcp.? == down", { local: { "tcp.a": "up", "tcp.b": "up" } }, "no"],
	["tcp.? == down", { local: { "tcp.a": "up", "tcp.b": "init" } }, "open tcp.b"],
	["tcp.? == down", { local: { "tcp.a": "down", "tcp.b": "init" } }, "yes"],
	["tcp.? == down", { local: { "tcpx.a": "down" } }, "no"],
	["tcp.* == down", { local: { "tcp.a": "up", "tcp.b": "down" } }, "no"],
	["tcp.* == down", { local: { "tcp.a": "down", "tcp.b": "down" } }, "yes"],
	["tcp.* == down", { local: { "tcp.a": "down", "tcp.b": "init" } }, "open tcp.b"],
	["tcp.* == down", {}, "no"],
	["!(tcp.* == up)", { local: { "tcp.a": "up", "tcp.b": "down" } }, "yes"],
	["tcp.? != up", { local: { "tcp.a": "up", "tcp.b": "down" } }, "yes"],
	["tcp.* != up", { local: { "tcp.a": "up", "tcp.b": "down" } }, "no"],
	["tcp.?", { local: { "tcp.a": "up", "tcp.b": "down" } }, "yes"],
	["tcp.*", { local: { "tcp.a": "up", "tcp.b": "down" } }, "no"],
	// A resource alone is true when it is up.
	["tcp.a", { local: { "tcp.a": "up" } }, "yes"],
	["!tcp.a", { local: { "tcp.a": "down" } }, "yes"],
	["(tcp.a == down) == (tcp.b == down)", { local: { "tcp.a": "down", "tcp.b": "down" } }, "yes"],
	["(tcp.a == down) != (tcp.b == down)", { local: { "tcp.a": "down", "tcp.b": "up" } }, "yes"],
	["custom.a == custom.b", { local: { "custom.a": "x", "custom.b": "x" } }, "yes"],
	["custom.a == custom.b", { local: { "custom.a": "x", "custom.b": "init" } }, "open custom.b"],
	// The other server.
	["remote.tcp.a == down", { remote: { "tcp.a": "down" } }, "yes"],
	["remote.tcp.a == down", { local: { "tcp.a": "down" }, remote: { "tcp.a": "up" } }, "no"],
	["remote.tcp.a == down", { local: { "tcp.a": "down" } }, "no"],
	["remote.tcp.a == unknown", {}, "yes"],
	["remote.tcp.a == unknown", { remote: {} }, "yes"],
	["remote.tcp.a == down", { remote: { "tcp.a": "init" } }, "open"],
	["remote.tcp.? == down", { remote: { "tcp.a": "up", "tcp.b": "down" } }, "yes"],
	["remote.tcp.? == down", {}, "no"],
	// What is switched off says nothing.
	["tcp.a == down", { local: { "tcp.a": "down" }, muted: ["tcp.a"] }, "open"],
	["tcp.? == down", { local: { "tcp.a": "down", "tcp.b": "down" }, muted: ["tcp.a"] }, "yes"],
	["cluster() == down", { cluster: false }, "yes"],
	["cluster() == down", { cluster: true }, "no"],
];

for (const [text, world, expected] of cases) {
	test(`${text}, ${JSON.stringify(world)}: ${expected}`, (t) => t.is(truth(text, world), expected));
}
