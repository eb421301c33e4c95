/** Checkers and watched processes on real servers: what each of them makes a module do. */
import type { LabNode } from "../../../sdk/lab/node.ts";
import { labTest } from "../open.ts";
import { Mirror, nodeInNode, safekit } from "./mirror.ts";

const [intervalMs, handleTimeMs] = [1000, 1000];

function options(router: string) {
	return {
		timeout: "2s",
		pulse: "200ms",
		replicated: false,
		check: true,
		more: `<errd polltimer="1"><proc name="app" nameregex="^node" argregex="sdk/demo/app[.]ts" class="prim" action="restart"/></errd>
		<check>
			<tcp ident="web" when="prim"><to addr="127.0.0.1" port="8080" interval="1" timeout="1"/></tcp>
			<ping ident="router"><to addr="${router}" interval="1" timeout="1"/></ping>
		</check>
		<failover period="200ms" handle_time="${handleTimeMs}ms"/>`,
	};
}

const killApp = "pkill -9 -f '[s]dk/demo/app.ts'";

function count(text: string, what: RegExp): number {
	return text.match(new RegExp(what, "g"))?.length ?? 0;
}

/** The time of the last line of the module log with this text, milliseconds. */
async function timeOf(mirror: Mirror, node: LabNode, text: string): Promise<number> {
	const line = (await mirror.log(node)).split("\n").findLast((each) => each.endsWith(`| ${text}`)) ?? "";
	return Date.parse(`${line.slice(2, 25).replace(" ", "T")}Z`);
}

async function answers(mirror: Mirror): Promise<boolean> {
	return (await fetch(mirror.url)).status === 200;
}

labTest(
	"a killed process, a port that is closed, a router that is gone, a pulled cable: each has its documented end",
	{ lans: 2, withinMs: 300_000 },
	async (t, lab) => {
		const mirror = await Mirror.make(lab, options(lab.address(3)));
		const [n1, n2] = mirror.nodes;
		const router = await lab.node("router");
		await mirror.start();

		// The cable of the interface that carries the virtual address; the other network stays.
		await lab.cut(n1, "lan0");
		await mirror.until(n1, "WAIT NotReady", 30_000);
		await mirror.until(n2, "ALONE Ready", 20_000);
		t.deepEqual(await mirror.holders(), ["n2"]);
		t.regex(await mirror.log(n1), /\| intfcheck \| C \| Resource intf\.\S+\.0 set to down by intfcheck\n/);
		t.regex(await mirror.log(n1), /\| C \| Action wait from failover rule (interface_failure|p_router)\n/);
		t.true(await answers(mirror), "clients reach the application where it is now");
		await lab.restore();
		await mirror.until(n1, "SECOND Ready", 30_000);
		await mirror.until(n2, "PRIM Ready", 20_000);

		// The port: nobody watches the process.
		await mirror.command(n2, "errd off");
		const closedMs = Date.now();
		await n2.run(killApp);
		await lab.until("the application answers again", 30_000, () => answers(mirror));
		await mirror.until(n2, "PRIM Ready", 20_000);
		const tookMs = (await timeOf(mirror, n2, "Action restart from failover rule t_web")) - closedMs;
		t.log(
			`the restart began ${tookMs} ms after the port was closed; interval and handle_time: ${intervalMs + handleTimeMs}`,
		);
		t.true(tookMs <= intervalMs + handleTimeMs + 500);
		await mirror.command(n2, "errd on");

		// The router that both servers need.
		await router.powerCut();
		await mirror.until(n1, "WAIT NotReady", 30_000);
		await mirror.until(n2, "WAIT NotReady", 30_000);
		t.is((await mirror.state(n2)).why, "The failover rule p_router holds the module");
		t.deepEqual(await mirror.holders(), []);
		await router.powerOn();
		await lab.until("the application answers again", 60_000, () => answers(mirror));
		await lab.until("both servers are there", 30_000, async () => {
			const states = [(await mirror.state(n1)).state, (await mirror.state(n2)).state].sort();
			return states.join() === "PRIM,SECOND";
		});
		t.regex(await mirror.log(n1), /\| heart \| I \| Action wakeup from failover rule Implicit_wakeup\n/);

		// The process: three restarts, then the other server.
		const [first, second] = (await mirror.state(n1)).state === "PRIM" ? [n1, n2] : [n2, n1];
		await mirror.command(first, "resetloop");
		for (let failure = 1; failure <= 4; failure++) {
			await mirror.until(first, "PRIM Ready", 30_000);
			const before = count(await mirror.log(first), /Process app not running\n/);
			await first.run(killApp);
			await lab.until("the failure is noticed", 30_000, async () => {
				return count(await mirror.log(first), /Process app not running\n/) > before;
			});
		}
		await mirror.until(first, "STOP NotReady", 30_000);
		await mirror.until(second, "ALONE Ready", 30_000);
		const log = await mirror.log(first);
		t.regex(log, /\| errd \| E \| Process app not running\n/);
		t.regex(log, /\| heart \| U \| Action restart called by errd\n/);
		t.regex(log, /\| heart \| C \| Action stop called by maxloop\n/);
		t.true(await answers(mirror));
	},
);

labTest("of two servers that lose each other the one that reaches the router goes on", {}, async (t, lab) => {
	const more = `<check><splitbrain ident="router" exec="ping" arg="${lab.address(3)}"/></check>`;
	const mirror = await Mirror.make(lab, { timeout: "1s", pulse: "100ms", replicated: false, more });
	const [n1, n2] = mirror.nodes;
	await lab.node("router");
	await mirror.start();
	const splitbrain = async (node: LabNode): Promise<string[]> => {
		const names = ["splitbrain.router", "splitbrain.uptodate"];
		return await Promise.all(names.map(async (name) => (await mirror.command(node, `get -r ${name}`)).trim()));
	};
	await lab.isolate(n1);
	await mirror.until(n2, "ALONE Ready", 30_000);
	await mirror.until(n1, "WAIT NotReady", 30_000);
	t.is((await mirror.state(n1)).rule, "splitbrain_failure");
	t.deepEqual(await splitbrain(n1), ["down", "down"]);
	t.deepEqual(await splitbrain(n2), ["up", "up"]);
	t.deepEqual(await mirror.holders(), ["n2"]);
	t.regex(await mirror.log(n1), /\| C \| Resource splitbrain\.uptodate set to down by splitbraincheck\n/);
	await lab.restore();
	await mirror.until(n1, "SECOND Ready", 30_000);
	await mirror.until(n2, "PRIM Ready", 30_000);
});

labTest("a light module follows the mirror that it depends on", { withinMs: 200_000 }, async (t, lab) => {
	const mirror = await Mirror.make(lab, { timeout: "2s", pulse: "200ms", replicated: false });
	const [n1, n2] = mirror.nodes;
	const follower = new Mirror(lab, mirror.nodes, "follower");
	const content = `<safe><service mode="light"><user/>
		<check><module name="service"><to addr="127.0.0.1" interval="1"/></module></check>
		<failover period="200ms" handle_time="1000ms"/></service></safe>`;
	await follower.install([
		{ path: "conf/userconfig.xml", content, mode: 0o644 },
		{ path: "bin/start_both", content: "#!/bin/sh\ndate >> /var/safekit/followed\n", mode: 0o755 },
	]);
	for (const node of mirror.nodes) await follower.command(node, "start");
	await mirror.start();
	await follower.until(n1, "UP Ready", 30_000);
	await follower.until(n2, "WAIT NotReady", 30_000);
	t.is((await follower.state(n2)).why, "The failover rule module_failure holds the module");

	const ready = (node: LabNode): Promise<string> =>
		node.run(
			`${nodeInNode} -e 'fetch("http://127.0.0.1:9010/var/modules/service/ready.txt").then((answer) => console.log(answer.status))'`,
		);
	t.deepEqual([(await ready(n1)).trim(), (await ready(n2)).trim()], ["200", "404"]);

	await mirror.command(n1, "swap");
	await mirror.until(n2, "PRIM Ready", 30_000);
	await follower.until(n2, "UP Ready", 30_000);
	await follower.until(n1, "WAIT NotReady", 30_000);

	// A restart of the leader is one of the follower.
	const called = /Action (stopstart called by modulecheck|wait from failover rule module_failure)\n/g;
	const callsOf = async (): Promise<number> => (await follower.log(n2)).match(called)?.length ?? 0;
	const calledBefore = await callsOf();
	await mirror.command(n2, "restart");
	const starts = async (): Promise<number> => Number(await n2.run("wc -l < /var/safekit/followed"));
	await lab.until("the follower begins anew", 30_000, async () => (await starts()) > 1);
	await follower.until(n2, "UP Ready", 30_000);
	// By the checker, or, where the restart takes longer than handle_time, by its rule.
	t.true((await callsOf()) > calledBefore);
	t.is((await n2.attempt(`${safekit} level -m follower`)).code, 0);
	t.true((await starts()) <= 3);
});
