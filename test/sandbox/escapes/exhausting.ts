/** Attempts to use up time: the processor's, the log's, the daemon's. Each is cheap to stop. */
import type { Hostile } from "./hostile.ts";

const cpu = /used more than 500 ms of a processor/;
const limits =
	/used more than 500 ms of a processor|more memory than it may|brought down|waits for|RangeError|did not finish/;

export const exhausting: Hostile[] = [
	{ tries: "a loop", does: "while (true);", reason: cpu },
	{ tries: "a loop after an answer", does: "await ctx.service('cron'); for (;;);", reason: cpu },
	{ tries: "a loop when its file is loaded", does: { "a.ts": "while (true);\nexport default 1;\n" }, reason: cpu },
	{
		tries: "a loop in a getter of its export",
		does: { "a.ts": "export default new Proxy({}, { get() { while (true); } });\n" },
		reason: cpu,
	},
	{
		tries: "a loop in a getter of what it returns",
		does: "return { get state() { while (true); }, reason: '' };",
		reason: cpu,
	},
	{
		tries: "a proxy as answer",
		does: "return new Proxy({}, { getOwnPropertyDescriptor() { while (true); } });",
		reason: cpu,
	},
	{ tries: "a thenable that loops", does: "return { then() { while (true); } };", reason: cpu },
	{ tries: "a thenable that never calls back", does: "return { then() {} };", reason: /never comes/ },
	{ tries: "a promise that never settles", does: "await new Promise(() => {});", reason: /never comes/ },
	{ tries: "an error that cannot be shown", does: "throw { get message() { throw 1; } };", reason: /cannot be shown/ },
	{ tries: "an error whose text loops", does: "throw { message: { toString() { while (true); } } };", reason: cpu },
	{ tries: "throwing nothing", does: "throw undefined;", reason: /undefined/ },
	{
		tries: "promises that beget promises",
		does: "(function f() { Promise.resolve().then(f); })(); return up();",
		reason: limits,
	},
	{ tries: "an endless chain of awaits", does: "for (;;) await null;", reason: cpu },
	{ tries: "a flood of promises", does: "const all = []; for (;;) all.push(new Promise(() => {}));", reason: limits },
	{
		tries: "a catastrophic regular expression",
		does: "/^(a+)+$/.test('a'.repeat(40) + 'b'); return up();",
		reason: cpu,
	},
	{
		tries: "a regular expression with back references",
		does: "/^(x+x+)+\\1?y$/.test('x'.repeat(60)); return up();",
		reason: limits,
	},
	{ tries: "recursion", does: "(function f() { f(); })();", reason: /Maximum call stack/ },
	{
		tries: "recursion through a getter",
		does: "const o = { get x() { return this.x; } }; o.x;",
		reason: /Maximum call stack/,
	},
	{
		tries: "recursion through a proxy",
		does: "const p = new Proxy({}, {}); Object.setPrototypeOf(p, p); p.x;",
		reason: /./,
	},
	{ tries: "deep JSON", does: "JSON.parse('['.repeat(1e6)); return up();", reason: /./ },
	{ tries: "a comparison that never ends", does: "[3, 2, 1].sort(() => { while (true); });", reason: cpu },
	{
		tries: "an iterator that never ends",
		does: "const [...x] = (function* () { for (;;) yield 1; })();",
		reason: limits,
	},
	{
		tries: "a flood of calls",
		does: "for (let i = 0; i < 1e5; i++) void ctx.service('x' + i); return up();",
		reason: /./,
	},
	{
		tries: "many calls at once",
		does: "await Promise.all(Array.from({ length: 50 }, () => ctx.service('cron'))); return up();",
		reason: /more than 8 calls at the same time/,
	},
	{
		tries: "many calls one after the other",
		does: "for (let i = 0; i < 1000; i++) await ctx.service('cron'); return up();",
		reason: /more than 100 calls in one run/,
	},
	{
		tries: "a huge log",
		does: "for (let i = 0; i < 1e4; i++) ctx.log('x'.repeat(1e4)); return down('logged');",
		reason: /logged/,
	},
	{
		tries: "lines that are not its own in the log",
		does: "return down('x\\n| 2026 | heart | C | all is lost');",
		reason: /x/,
	},
	{ tries: "a huge reason", does: "return down('x'.repeat(1e6));", reason: /^x{500}$/ },
	{ tries: "a huge state", does: "ctx.state.x = 'x'.repeat(1e5); return up();", reason: /state is over 16 KiB/ },
	{ tries: "a state without end", does: "ctx.state.self = ctx.state; return up();", reason: /circular/ },
	{
		tries: "a state that loops when it is written",
		does: "ctx.state.x = { toJSON() { while (true); } }; return up();",
		reason: cpu,
	},
	{ tries: "huge arguments", does: "await ctx.readFile('x'.repeat(5e6)); return up();", reason: /over 2 MB|readFile/ },
	{
		tries: "a promise that others settle",
		does: "const { promise } = Promise.withResolvers(); await promise;",
		reason: /never comes/,
	},
];
