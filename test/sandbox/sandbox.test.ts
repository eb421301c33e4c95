import { readFileSync } from "node:fs";
import test from "ava";
import { input, judgeOf, makeSandbox, outsideOf } from "./sandbox.fixture.ts";

const it = makeSandbox();
test.after.always(() => it.close());

test("a checker says up or down, with a reason and what it logs", async (t) => {
	t.like(await it.once("return up();"), { state: "up", reason: "", logs: [] });
	t.like(await it.once("ctx.log('look'); ctx.log(1); return down('no ' + ctx.args[1]);"), {
		state: "down",
		reason: "no two",
		logs: ["look", "1"],
	});
});

test("its context holds what it was given, and nothing of it can be changed for others", async (t) => {
	const body = `
		const frozen = [ctx, ctx.args, ctx.variables, ctx.http, ctx.tcp].every(Object.isFrozen);
		return up([frozen, ctx.module, ctx.self, ctx.variables.PORT, Object.keys(ctx).length].join(" "));`;
	t.like(await it.once(body), { reason: "true web custom.web 80 14" });
});

test("what it keeps in its state is there in the next run", async (t) => {
	const checker = it.add("ctx.state.n = (ctx.state.n ?? 0) + 1; return up(String(ctx.state.n));");
	const first = await checker.run(input, outsideOf(), judgeOf());
	t.deepEqual([first.reason, first.kept], ["1", { n: 1 }]);
	const second = await checker.run({ ...input, state: first.kept }, outsideOf(), judgeOf());
	t.deepEqual([second.reason, second.kept], ["2", { n: 2 }]);
	checker.remove();
});

test("calls reach the outside once they are permitted", async (t) => {
	const seen: unknown[] = [];
	const outside = {
		http: async (request: unknown) => {
			seen.push(request);
			return { status: 204, headers: { a: "b" }, body: "text" };
		},
		exec: async (...words: unknown[]) => {
			seen.push(words.slice(0, 2));
			return { code: 3, stdout: "out", stderr: "" };
		},
		resource: (name: string) => (name === "tcp.web" ? "down" : null),
	};
	const body = `
		const answer = await ctx.http.post("http://web.example.com/x", "hello", { headers: { "X-A": "1" } });
		const { code, stdout } = await ctx.exec("/usr/bin/true", ["-x"]);
		return up([answer.status, answer.headers.a, answer.body, code, stdout, await ctx.service("cron"),
			await ctx.process("init"), await ctx.resource("tcp.web"), await ctx.resource("no.such")].join(" "));`;
	const permissions = { net: ["web.example.com:80"], exec: ["/usr/bin/true"] };
	const { reason } = await it.once(body, { outside, permissions });
	t.is(reason, "204 b text 3 out up 1 down ");
	t.like(seen[0], { method: "POST", url: "http://web.example.com/x", body: "hello", headers: { "x-a": "1" } });
	t.deepEqual(seen[1], ["/usr/bin/true", ["-x"]]);
});

test("a connection sends and receives until the run ends", async (t) => {
	let closed = 0;
	const outside = {
		tcp: async () => ({
			send: async () => undefined,
			receive: async () => "220 ready",
			close: () => {
				closed += 1;
			},
		}),
	};
	const body = `const line = await ctx.tcp.connect("mail", 25); await line.send("QUIT"); return up(await line.receive({ until: "\\n" }));`;
	t.like(await it.once(body, { outside, permissions: { net: ["mail:25"] } }), { state: "up", reason: "220 ready" });
	t.is(closed, 1);
});

test("errors name the line of the author's file", async (t) => {
	const { state, reason } = await it.once("const x: number = 1;\nconst y: any = null;\nreturn up(y.z + x);");
	t.is(state, "down");
	t.regex(reason, /TypeError: .*\(a\.ts:5:/);
});

test("several files of a package work together", async (t) => {
	const files = {
		"checks/web.ts": `import { checker, up } from "opensafe";\nimport { word } from "../lib/words.ts";\nexport default checker({}, () => up(word));\n`,
		"lib/words.ts": `export const word: string = "hello";\n`,
	};
	t.like(await it.once(files), { state: "up", reason: "hello" });
});

test("the process of the isolates has no rights, no network and sees no files", async (t) => {
	await it.once("return up();");
	const pid = it.sandbox.pids()[0];
	const status = readFileSync(`/proc/${pid}/status`, "utf8");
	t.regex(status, /NoNewPrivs:\t1/);
	if (process.getuid?.() !== 0) {
		t.log("as root it would be checked that rights and network are gone");
		return;
	}
	t.regex(status, /CapEff:\t0{16}/);
	t.regex(status, /Uid:\t1900\d{6}\t/);
	const interfaces = readFileSync(`/proc/${pid}/net/dev`, "utf8").split("\n").slice(2, -1);
	t.deepEqual(
		interfaces.map((line) => line.split(":")[0]?.trim()),
		["lo"],
	);
});
