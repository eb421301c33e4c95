/** TypeScript checkers on the simulated cluster: the real sandbox, a scripted world. */
import test, { type ExecutionContext } from "ava";
import { type Cluster, cluster } from "../../../sdk/testing/index.ts";
import { emptyScripts, healthChecker, healthManifest, mirrorService, moduleFolder } from "./modules.ts";

const custom =
	'<check><custom ident="web" when="prim" exec="checks/web.ts" action="restart"/></check><failover handle_time="1s"/>';
const files = { ...emptyScripts, "bin/checks/web.ts": healthChecker, "module.json": healthManifest };
const health = "http://127.0.0.1/health";

async function clusterOf(t: ExecutionContext, more: Record<string, string> = {}): Promise<Cluster> {
	const both = await cluster({ module: moduleFolder(t, mirrorService(custom), { ...files, ...more }) });
	t.teardown(async () => {
		await both.close();
		if (both.reports.length > 0) throw new Error(both.reports.join("\n"));
	});
	return both;
}

test("when the health page answers 500 twice, the module restarts; after the fourth time in a day the other server takes over", async (t) => {
	t.timeout(300_000);
	const both = await clusterOf(t);
	const { n1, n2 } = both;
	await both.start();
	await n1.shows("custom.web", "up");
	n1.http(health).answers(500, { times: 1 });
	await both.pass("2m");
	t.is(n1.scriptRuns("start_prim").length, 1, "once is no reason");
	for (let time = 1; time <= 3; time++) {
		n1.http(health).answers(500, { times: 2 });
		await n1.runs("start_prim", { within: "1m" });
		await n1.becomes("PRIM");
		t.is(n1.errors, time);
		await both.pass("1h");
	}
	n1.http(health).answers(500, { times: 2 });
	await n1.becomes("STOP", { within: "2m" });
	await n2.becomes("ALONE");
	await n2.shows("custom.web", "up");
});

test("a page that hangs costs the checker its time, not the test's", async (t) => {
	t.timeout(300_000);
	const both = await clusterOf(t);
	const { n1 } = both;
	await both.start();
	n1.http(health).hangs();
	await n1.shows("custom.web", "down", { within: "1m" });
	n1.http(health).recovers();
	await n1.shows("custom.web", "up", { within: "1m" });
	t.true(both.nowMs < 120_000);
});

test("a checker that does not load is told with its place", async (t) => {
	t.timeout(300_000);
	const both = await clusterOf(t, { "bin/checks/web.ts": 'import { readFileSync } from "node:fs";\n' });
	await both.start();
	await both.n1.shows("custom.web", "down", { within: "1m" });
	t.regex(both.timeline.events.map(({ text }) => text).join("\n"), /checks\/web\.ts:1: 'node:fs' cannot be imported/);
});

test("what module.json does not permit is refused here as on a server", async (t) => {
	t.timeout(300_000);
	const both = await clusterOf(t, { "module.json": healthManifest.replace("127.0.0.1:80", "127.0.0.1:81") });
	await both.start();
	await both.n1.shows("custom.web", "down", { within: "1m" });
	t.regex(both.timeline.events.map(({ text }) => text).join("\n"), /custom\.web is down: .*permi/);
});

test("ports, programs, files, processes and services are as the test says", async (t) => {
	t.timeout(300_000);
	const checker = `import { checker, down, up } from "opensafe";
export default checker({ every: "10s", timeout: "5s" }, async (ctx) => {
	const line = await ctx.tcp.connect("127.0.0.1", 6379);
	await line.send("PING\\n");
	const said = (await line.receive({ until: "\\n" })).trim();
	const { code } = await ctx.exec("/usr/bin/true", []);
	const text = await ctx.readFile("/run/app/status");
	const seen = [said, code, text, await ctx.process("app"), await ctx.service("web"), await ctx.resource("tcp.none")];
	return seen.join(" ") === "PONG 0 ready 1 up " ? up() : down(seen.join(" "));
});
`;
	const permissions = { net: ["127.0.0.1:6379"], exec: ["/usr/bin/true"], read: ["/run/app/"] };
	const manifest = JSON.stringify({ ...JSON.parse(healthManifest), permissions });
	const both = await clusterOf(t, { "bin/checks/web.ts": checker, "module.json": manifest });
	const { n1 } = both;
	n1.tcp("127.0.0.1:6379").answersWith((sent) => (sent === "" ? "" : "PONG\n"));
	n1.file("/run/app/status").contains("ready");
	await both.start();
	await n1.shows("custom.web", "up", { within: "1m" });
	n1.program("/usr/bin/true").ends(3);
	await n1.shows("custom.web", "down", { within: "1m" });
	n1.program("/usr/bin/true").ends(0);
	await n1.shows("custom.web", "up", { within: "1m" });
	n1.service("web").dies();
	await n1.shows("custom.web", "down", { within: "1m" });
	t.is(n1.resource("custom.web"), "down");
});
