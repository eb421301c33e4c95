import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { type Expression, RuleFault } from "../../../core/engine/rules/language.ts";
import { isLua, parseLua } from "../../../core/engine/rules/lua.ts";
import { parseRules } from "../../../core/engine/rules/parse.ts";
import { readSections, ruleSetOf } from "../../../core/engine/rules/ruleSet.ts";
import { conditionText } from "../../../core/engine/rules/text.ts";

/** Fully bracketed, so that precedence shows. */
function show(e: Expression): string {
	switch (e.is) {
		case "not":
			return `!${show(e.of)}`;
		case "and":
			return `(${show(e.left)} && ${show(e.right)})`;
		case "or":
			return `(${show(e.left)} || ${show(e.right)})`;
		case "equal":
			return `(${show(e.left)} == ${show(e.right)})`;
		case "differs":
			return `(${show(e.left)} != ${show(e.right)})`;
		case "resource":
			return `${e.side}.${e.class}.${e.id}`;
		case "cluster":
			return "cluster()";
		default:
			return e.state;
	}
}

const when = (text: string): string => {
	const [rule] = parseRules(`r: if (${text}) then wait();`, true);
	return rule === undefined ? "" : show(rule.when);
};

test("operators bind as in C", (t) => {
	t.is(when("tcp.a == down"), "(local.tcp.a == down)");
	t.is(when("!tcp.a == up && tcp.b != up || c.d"), "(((!local.tcp.a == up) && (local.tcp.b != up)) || local.c.d)");
	t.is(when("a.a || b.b && c.c"), "(local.a.a || (local.b.b && local.c.c))");
	t.is(when("!(a.a||b.b)"), "!(local.a.a || local.b.b)");
	t.is(when("!!a.a"), "!!local.a.a");
	t.is(when("a.a==down==up"), "((local.a.a == down) == up)");
	t.is(when("cluster() == down"), "(cluster() == down)");
});

test("resources: sides, wildcards, addresses, comments between", (t) => {
	t.is(when("local.tcp.a==down"), "(local.tcp.a == down)");
	t.is(when("remote.tcp.?==down"), "(remote.tcp.? == down)");
	t.is(when("ip.* == down"), "(local.ip.* == down)");
	t.is(when("ip.10.0.0.1 == down"), "(local.ip.10.0.0.1 == down)");
	t.is(when("ip.fe80::1 == down"), "(local.ip.fe80::1 == down)");
	t.is(when("module.farm_192.168.0.10 == down"), "(local.module.farm_192.168.0.10 == down)");
	t.is(when("/* all */ heartbeat.*/* of them */ == down"), "(local.heartbeat.* == down)");
	t.is(when("state.local == up"), "(local.state.local == up)");
	t.is(when("local.web == up"), "(local.local.web == up)", "local is a class too when nothing but an id follows");
});

test("labels, actions and line ends", (t) => {
	const rules = parseRules(
		"/* two */\r\n a: if (x.y == down) then stop();\r\nc_my.check: if(x.y==down)then swap();\nd:if(x.y==down)then restart();e : if (x.y == down) then stopstart();",
	);
	t.deepEqual(
		rules.map(({ label, action }) => [label, action]),
		[
			["a", "stop"],
			["c_my.check", "swap"],
			["d", "restart"],
			["e", "stopstart"],
		],
	);
	t.deepEqual(parseRules(""), []);
	t.deepEqual(parseRules(" /* nothing */ "), []);
});

function fault(t: ExecutionContext, text: string, at: string, message: RegExp): void {
	const error = t.throws(() => parseRules(text), { instanceOf: RuleFault }, text);
	const marked = at === "" ? text.length : text.indexOf(at);
	t.is((error as RuleFault).offset, marked, `${text}: ${error?.message}`);
	t.regex(error?.message ?? "", message, text);
}

test("errors point at the character", (t) => {
	fault(t, "r if (a.b == down) then wait();", "if", /expected : after the label r, found if/);
	fault(t, "r: (a.b == down) then wait();", "(", /expected if/);
	fault(t, "r: if a.b == down then wait();", "a.b", /expected \( after if, found a\.b/);
	fault(t, "r: if (a.b = down) then wait();", "= down", /expected \) at the end of the condition, found =/);
	fault(t, "r: if (a.b == ) then wait();", ") then", /expected a resource/);
	fault(t, "r: if (a.b == down) wait();", "wait", /expected then/);
	fault(t, "r: if (a.b == down) then reboot();", "reboot", /expected an action: stop\(\), wait\(\)/);
	fault(t, "r: if (a.b == down) then wait;", ";", /expected \( after wait/);
	fault(t, "r: if (a.b == down) then wait()", "", /expected ; at the end of the rule, found the end/);
	fault(t, "r: if (a.b == down && ) then wait();", ") then", /expected a resource/);
	fault(t, "r: if (tcp.* == tcp.?) then wait();", "tcp.?", /only one side/);
	fault(t, "r: if (a.b == 3) then wait();", "3", /the character 3 means nothing here/);
	fault(t, "r: if (a.b == down) then wait(); /* open", "/*", /does not end/);
	fault(t, "r: if (a.b == down) then a.b=up;", "a.b=", /assignments are for the rules of the product/);
	fault(t, "r: if (cluster() == down) then wait();", "cluster", /there is no function cluster/);
	fault(t, "r: if (a.b & c.d) then wait();", "& c", /the character & means nothing here/);
	fault(t, `r: if (a.${"b".repeat(200)} == down) then wait();`, "a.b", /is no resource/);
});

test("bounded: length, depth, number of rules and of operands", (t) => {
	const rule = (label: number): string => `r${label}: if (a.b == down) then wait();`;
	t.throws(() => parseRules(Array.from({ length: 501 }, (_, i) => rule(i)).join("\n")), { message: /more than 500/ });
	t.throws(() => parseRules(`r: if (${"(".repeat(40)}a.b${")".repeat(40)}) then wait();`), { message: /too deeply/ });
	t.throws(() => parseRules(`r: if (${"!".repeat(10_000)}a.b) then wait();`), { message: /too deeply/ });
	t.throws(() => parseRules(`r: if (${Array(201).fill("a.b").join(" || ")}) then wait();`), { message: /at most 200/ });
	t.throws(() => parseRules(" ".repeat(70_000)), { instanceOf: RuleFault });
});

test("Lua: the documented form, and where something else begins", (t) => {
	const text =
		'--Lua Rules\n-- comment\nRules = Rules + { mine=if_then("tcp.web","down",Action.stopstart), _group="checker",\n --[[ long\n comment ]] other = if_then(\'remote.ping.?\', "down", Action.wait); }\nRules.disable("ip_failure");\nRules.disable "t_web"';
	t.true(isLua(text));
	t.true(isLua("\n  --lua rules \nRules"));
	t.false(isLua("r: if (a.b == down) then wait();"));
	const { rules, disabled } = parseLua(text);
	t.deepEqual(
		rules.map(({ label, when: condition, action }) => [label, show(condition), action]),
		[
			["mine", "(local.tcp.web == down)", "stopstart"],
			["other", "(remote.ping.? == down)", "wait"],
		],
	);
	t.deepEqual(
		disabled.map(({ label }) => label),
		["ip_failure", "t_web"],
	);
	const at = (lua: string, where: string, message: RegExp): void => {
		const error = t.throws(() => parseLua(lua), { instanceOf: RuleFault }, lua) as RuleFault;
		t.is(error.offset, lua.indexOf(where), `${lua}: ${error.message}`);
		t.regex(error.message, message);
	};
	at("os.execute('x')", "os", /only Rules = Rules/);
	at('Rules = Rules + { a=if_then("tcp","down",Action.stop) }', 'tcp"', /expected a resource/);
	at('Rules = Rules + { a=if_then("tcp.a","down",Action.reboot) }', "Action", /expected an action: Action.stop/);
	at('Rules = Rules + { a=if_then("tcp.a","down",Action.stop) b }', "b }", /expected , or }/);
	at('Rules.disable("a', '"', /does not end/);
});

test("sections: labels twice, rules of the product, replaced and disabled rules", (t) => {
	const rules = (text: string) => ({ language: "rules" as const, text });
	const twice = readSections([
		rules("a: if (x.y == down) then wait();"),
		rules(
			"b: if (x.y == down) then wait();\na: if (x.y == down) then stop();\nsplitbrain_failure: if (x.y == down) then stop();",
		),
	]);
	t.deepEqual(
		twice.faults.map(({ section, offset, is }) => [section, offset, is]),
		[
			[1, 33, "repeated"],
			[1, 66, "builtIn"],
		],
	);
	const checkers = [
		{ kind: "tcp", ident: "web", resource: "tcp.web", when: "prim", action: "restart" },
		{ kind: "ping", ident: "router", resource: "ping.router", when: "pre", action: "wait" },
		{ kind: "custom", ident: "disk", resource: "custom.disk", when: "both", action: "stopstart" },
		{ kind: "custom", ident: "quiet", resource: "custom.quiet", when: "both", action: "noaction" },
		{ kind: "intf", ident: "10.0.0.0", resource: "intf.10.0.0.0", when: "pre", action: "wait" },
	] as const;
	const labels = (sections: { language: "rules" | "lua"; text: string }[], extend = true): string[] =>
		ruleSetOf({ sections, extends: extend, handleTimeMs: 15_000, checkers }).rules.map(
			({ label, action, from }) => `${label} ${action} ${from}`,
		);
	t.deepEqual(labels([]), [
		"p_router wait generated",
		"module_failure wait default",
		"interface_failure wait default",
		"c_disk stopstart generated",
		"ip_failure stopstart default",
		"t_web restart generated",
	]);
	t.deepEqual(labels([], false), ["p_router wait generated", "c_disk stopstart generated", "t_web restart generated"]);
	t.deepEqual(
		labels([
			rules("ip_failure: if (ip.? == down) then restart(); tcp_failure: if (tcp.? == down) then stop();"),
			{ language: "lua", text: '--Lua Rules\nRules.disable("interface_failure") Rules.disable("p_router")' },
		]),
		[
			"tcp_failure stop configured",
			"module_failure wait default",
			"c_disk stopstart generated",
			"ip_failure restart configured",
		],
		"tcp_failure stands for all tcp checkers",
	);
	t.throws(() => labels([rules("x")]), { instanceOf: RuleFault });
});

const piece = fc.constantFrom(
	..."r: if ( ) then wait ; ! && || == != tcp.a tcp.* tcp.? remote. local. /* */ { } = , stop() restart() \n Rules + if_then \" ' --".split(
		" ",
	),
	" ",
	"\n",
	"Action.wait",
	"Rules.disable",
	"a",
	"😀",
	"\0",
);
const written = fc.oneof(
	fc.string({ unit: "binary" }),
	fc.array(piece, { maxLength: 60 }).map((all) => all.join("")),
);

test("what is written can be read again, and means the same", (t) => {
	const resource = fc.constantFrom("tcp.a", "remote.custom.b", "ip.?", "heartbeat.*", "ip.fe80::1", "up", "down");
	const condition = fc.letrec<{ any: string }>((tie) => ({
		any: fc.oneof(
			{ depthSize: "small" },
			resource,
			tie("any").map((of) => `!(${of})`),
			fc
				.tuple(tie("any"), fc.constantFrom("&&", "||", "=="), tie("any"))
				.map(([a, sign, b]) => `(${a}) ${sign} ((${b}))`),
		),
	})).any;
	fc.assert(
		fc.property(condition, (text) => {
			const wildcards = /[*?]/.test(text) && text.includes("==");
			if (wildcards) return true;
			const [rule] = parseRules(`r: if (${text}) then wait();`, true);
			if (rule === undefined) return false;
			const [again] = parseRules(`r: if (${conditionText(rule.when)}) then wait();`, true);
			return again !== undefined && show(again.when) === show(rule.when);
		}),
	);
	t.is(
		conditionText(parseRules("r: if (!(a.a || b.b) && (c.c == up || d.*)) then stop();")[0]?.when as Expression),
		"!(a.a || b.b) && (c.c == up || d.*)",
	);
});

test("any text: rules, or a fault inside the text", (t) => {
	for (const parse of [parseRules, parseLua]) {
		fc.assert(
			fc.property(written, (text) => {
				try {
					parse(text);
				} catch (error) {
					if (!(error instanceof RuleFault)) throw error;
					return Number.isInteger(error.offset) && error.offset >= 0 && error.offset <= text.length;
				}
				return true;
			}),
			{ numRuns: 3000 },
		);
	}
	t.pass();
});
