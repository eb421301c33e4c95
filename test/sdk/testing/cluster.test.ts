import test, { type ExecutionContext } from "ava";
import { type Cluster, cluster } from "../../../sdk/testing/index.ts";
import { emptyScripts, mirrorService, moduleFolder } from "./modules.ts";

async function clusterOf(t: ExecutionContext, service: string, files: Record<string, string> = {}): Promise<Cluster> {
	const both = await cluster({ module: moduleFolder(t, service, { ...emptyScripts, ...files }) });
	t.teardown(async () => {
		await both.close();
		if (both.reports.length > 0) throw new Error(both.reports.join("\n"));
	});
	return both;
}

const starts = ({ n1 }: Cluster, script = "start_prim"): number => n1.scriptRuns(script).length;

test("a closed port has the application restarted; the fourth time in a day the other server takes over", async (t) => {
	const tcp = '<tcp ident="web" when="prim"><to addr="127.0.0.1" port="80" interval="10s" timeout="2s"/></tcp>';
	const both = await clusterOf(t, mirrorService(`<check>${tcp}</check>`, ' maxloop="3" loop_interval="24h"'));
	const { n1, n2 } = both;
	await both.start();
	await n1.shows("tcp.web", "up");
	for (let time = 1; time <= 3; time++) {
		n1.tcp("127.0.0.1:80").isClosed();
		await n1.runs("start_prim");
		n1.tcp("127.0.0.1:80").isOpen();
		await n1.becomes("PRIM");
		await both.pass("5h");
		t.is(n1.errors, time);
	}
	n1.tcp("127.0.0.1:80").isClosed();
	await n1.becomes("STOP");
	await n2.becomes("ALONE");
	t.is(starts(both), 4);
	t.true(both.nowMs > 15 * 3_600_000);
});

test("errors of different days do not add up", async (t) => {
	const both = await clusterOf(t, mirrorService("", ' maxloop="1" loop_interval="24h"'));
	await both.start();
	for (let day = 0; day < 5; day++) {
		await both.n1.restart({ identity: "checker" });
		await both.pass("25h");
	}
	t.is(both.n1.state, "PRIM");
});

test("a process and a service that errd watches: dead, restarted; not to be started, the other server takes over", async (t) => {
	const errd = `<errd polltimer="10s">
		<proc name="app" class="prim" action="restart"/>
		<proc name="web" service="yes" class="prim" action="restart"/>
		<proc name="java" class="prim" action="restart" argregex=".*app\\.jar.*"/>
	</errd>`;
	const both = await clusterOf(t, mirrorService(errd));
	const { n1, n2 } = both;
	await both.start();
	await both.pass("10m");
	t.is(starts(both), 1, "what the start script starts is there");
	n1.process("app").dies();
	await n1.runs("start_prim", { within: "30s" });
	await both.pass("5m");
	n1.service("web").dies();
	await n1.runs("start_prim", { within: "30s" });
	await both.pass("5m");
	t.is(starts(both), 3);
	n1.process("java").doesNotStart();
	await n1.becomes("STOP", { within: "10m" });
	await n2.becomes("ALONE");
});

test("a network that is cut for less than the timeout is no failover; two servers alone end as one pair", async (t) => {
	const both = await clusterOf(t, mirrorService(""));
	const { n1, n2 } = both;
	await both.start();
	both.cut();
	await both.pass("20s");
	both.mend();
	await both.pass("5m");
	t.is(n1.state, "PRIM");
	t.is(starts(both), 1);
	both.cut();
	await n1.becomes("ALONE");
	await n2.becomes("ALONE");
	both.mend();
	await n1.becomes("PRIM");
	await n2.becomes("SECOND");
	t.is(starts(both), 1, "the application ran on where it was");
});

test("with two networks and a witness the application runs on one server only", async (t) => {
	const service = `<service mode="mirror" boot="on">
		<heart><heartbeat name="default"/><heartbeat name="repli" ident="flow"/></heart>
		<rfs><replicated dir="/data"/></rfs>
		<user/>
		<check><splitbrain ident="witness" exec="ping" arg="10.0.0.1"/></check>
	</service>`;
	const both = await clusterOf(t, service);
	const { n1, n2 } = both;
	await both.start();
	both.cut("repli");
	await n1.becomes("ALONE");
	await n2.becomes("SECOND Transient");
	t.is(n2.scriptRuns("start_prim").length, 0, "the other network says that n1 is there");
	both.mend();
	await n1.becomes("PRIM");
	await n2.becomes("SECOND");
	n1.address("10.0.0.1").isSilent();
	both.cut();
	await n2.becomes("ALONE");
	await n1.becomes("WAIT");
	both.mend();
	await n2.becomes("PRIM");
	await n1.becomes("SECOND");
	for (const server of both.servers) server.losesPower();
	await n1.getsPower();
	await n1.becomes("WAIT");
	await n2.getsPower();
	await n2.becomes("PRIM");
	await n1.becomes("SECOND");
});

test("a run is the same each time", async (t) => {
	const folder = moduleFolder(t, mirrorService("", ' boot="on"'), emptyScripts);
	const timelines: string[] = [];
	for (let run = 0; run < 2; run++) {
		const both = await cluster({ module: folder });
		await both.start();
		both.n1.losesPower();
		await both.n2.becomes("ALONE");
		await both.n1.getsPower();
		await both.n1.becomes("SECOND");
		timelines.push(JSON.stringify(both.timeline.events));
		await both.close();
	}
	t.true((timelines[0]?.length ?? 0) > 1000);
	t.is(timelines[0], timelines[1]);
});

test("a copy that is not complete is never started from, whatever happens to the other server", async (t) => {
	const both = await clusterOf(t, mirrorService("", ' boot="on"'));
	const { n1, n2 } = both;
	await both.start();
	n2.losesPower();
	await n1.becomes("ALONE");
	both.copyTakes("1h");
	await n2.getsPower();
	await both.pass("5m");
	n1.losesPower();
	await both.pass("2h");
	t.is(n2.scriptRuns("start_prim").length, 0);
	t.is(n2.state, "WAIT");
	both.copyTakes("5s");
	await n1.getsPower();
	await n1.becomes("PRIM");
	await n2.becomes("SECOND");
});

test("a wait rule holds the module until its resource is up", async (t) => {
	const rules = "<failover><![CDATA[disk: if (custom.disk == down) then wait();]]></failover>";
	const both = await clusterOf(t, `<service mode="light"><user/>${rules}</service>`);
	const { n1 } = both;
	n1.set("custom.disk", "down");
	await n1.start();
	await n1.becomes("WAIT");
	n1.set("custom.disk", "up");
	await n1.becomes("UP");
	n1.set("custom.disk", "down");
	await n1.becomes("WAIT");
	t.is(n1.scriptRuns("stop_both").length > 0, true);
});

test("what a script does is up to the test: how long, its end, or really run", async (t) => {
	const start = '#!/bin/sh\necho "$COLOUR $*" > "$SAFEUSERVAR/said"\n"$SAFE/safekit" set -r custom.real -v up\n';
	const service = '<service mode="light"><user><var name="COLOUR" value="red"/></user></service>';
	const both = await clusterOf(t, service, { "bin/start_both": start });
	const { n1, n2 } = both;
	n1.script("prestart").takes("3m");
	n1.script("start_both").isReallyRun();
	await n1.start();
	await n1.becomes("UP");
	t.true(both.nowMs >= 180_000);
	t.is(n1.scriptRuns("start_both")[0]?.exitCode, 0);
	t.is(n1.resource("custom.real"), "up");
	n2.script("start_both")
		.exits(1)
		.does(() => n2.stop({ identity: "start_both" }));
	await n2.start();
	await n2.becomes("STOP");
});

test("a stop script has its time, and is then called by force", async (t) => {
	const service = '<service mode="light"><user nicestoptimeout="30s" forcestoptimeout="10s"/></service>';
	const both = await clusterOf(t, service);
	await both.start();
	both.n1.script("stop_both").takes("1h");
	await both.n1.stop();
	await both.n1.becomes("STOP", { within: "2m" });
	const [nice, force] = both.n1.scriptRuns("stop_both");
	t.is((nice?.endedMs ?? 0) - (nice?.startedMs ?? 0), 30_000);
	t.is((force?.endedMs ?? 0) - (force?.startedMs ?? 0), 10_000);
	t.is(force?.exitCode, null);
});

test("what does not come within its time, and what is refused, is said", async (t) => {
	const both = await clusterOf(t, mirrorService(""));
	await t.throwsAsync(both.n1.becomes("PRIM", { within: "1m" }), {
		message: /^n1 did not become PRIM within 1 min: it is STOP NotReady: /,
	});
	await t.throwsAsync(both.n1.swap(), { code: "SWAP_NOT_POSSIBLE" });
	await t.throwsAsync(both.n1.runs("start_prim", { within: "1s" }), { message: /did not run on n1 within 1 s/ });
	t.throws(() => both.cut("flow"), { message: /has no network 'flow'; it has default/ });
	await t.throwsAsync(both.pass("soon" as "1s"), { message: /'soon' is no time/ });
	both.n1.losesPower();
	t.is(both.n1.state, null);
	await t.throwsAsync(both.n1.becomes("STOP", { within: "1s" }), { message: /it has no power/ });
});
