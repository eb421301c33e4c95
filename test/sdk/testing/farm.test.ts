/** Simulated farms: the real protocol of the group decides who answers whom. */
import test, { type ExecutionContext } from "ava";
import { type Cluster, type ClusterOf, cluster } from "../../../sdk/testing/index.ts";
import { emptyScripts, mirrorService, moduleFolder } from "./modules.ts";

/** A farm of `<group name="web">` with a rule for port 80, on two networks. */
const farmService = (powers = "", more = ""): string => `<service mode="farm" boot="on">
	<farm><lan name="default"/><lan name="second"/></farm>
	<vip>
		<interface_list><interface check="off"><virtual_interface type="vmac_directed">
			<virtual_addr addr="10.0.0.9" where="alias" check="off"/>
		</virtual_interface></interface></interface_list>
		<loadbalancing_list><group name="web">${powers}<rule port="80" proto="tcp" filter="on_addr"/></group></loadbalancing_list>
	</vip>
	<user/>
	${more}
</service>`;

async function farm<const Count extends number>(
	t: ExecutionContext,
	servers: Count,
	service = farmService(),
): Promise<ClusterOf<Count>> {
	const all = await cluster({ servers, module: moduleFolder(t, service, emptyScripts) });
	t.teardown(async () => {
		await all.close();
		if (all.reports.length > 0) throw new Error(all.reports.join("\n"));
	});
	await all.start();
	return all;
}

const loads = ({ servers }: Cluster): number[] => servers.map((server) => server.load("web_0"));

test("four servers share; one that loses power leaves its share within three seconds, until it is back", async (t) => {
	const all = await farm(t, 4);
	t.deepEqual(loads(all), [25, 25, 25, 25]);
	const fromMs = all.nowMs;
	all.n1.losesPower();
	await all.n4.shows("web_0", "33%", { within: "5s" });
	t.true(all.nowMs - fromMs < 3000, `${all.nowMs - fromMs} ms`);
	await all.pass("1s");
	t.is(all.n1.load("web_0"), 0);
	await all.n1.getsPower();
	await all.n1.shows("web_0", "25%");
	await all.pass("1s");
	t.deepEqual(loads(all), [25, 25, 25, 25]);
	t.true(all.timeline.events.some(({ server, text }) => server === "n4" && text === "web_0 = 33%"));
});

test("servers that lose each other answer all clients, each side; one network of two is enough", async (t) => {
	const all = await farm(t, 2);
	all.cut("default");
	await all.pass("1m");
	t.deepEqual(loads(all), [50, 50]);
	all.cut("second");
	await all.n1.shows("web_0", "100%", { within: "5s" });
	await all.n2.shows("web_0", "100%", { within: "5s" });
	all.mend();
	await all.n1.shows("web_0", "50%", { within: "10s" });
	await all.n2.shows("web_0", "50%", { within: "10s" });
	t.is(all.n1.scriptRuns("start_both").length, 1, "the application ran on");
});

test("a server whose cables are pulled answers whom it still reaches, and the others share the rest", async (t) => {
	const all = await farm(t, 3);
	all.n3.losesNetwork("second");
	await all.pass("1m");
	t.true(all.n3.load("web_0") < 40);
	all.n3.losesNetwork();
	for (const [server, load] of [
		[all.n1, "50%"],
		[all.n2, "50%"],
		[all.n3, "100%"],
	] as const)
		await server.shows("web_0", load, { within: "5s" });
	all.n3.getsNetwork();
	await all.pass("10s");
	t.true(all.n3.load("web_0") < 40);
	t.throws(() => all.n3.losesNetwork("third"), { message: /has no network 'third'; it has default, second/ });
	t.throws(() => all.n3.load("web_1"), { message: /no rule 'web_1'; there are web_0/ });
});

test("a server has clients from the end of its start script to the moment before its stop script", async (t) => {
	const all = await farm(t, 2);
	const { n1, n2 } = all;
	const seen: number[][] = [];
	for (const script of ["start_both", "stop_both"]) n1.script(script).does(() => void seen.push(loads(all)));
	await n1.stop();
	await n1.becomes("STOP");
	t.deepEqual(seen, [
		[0, 100],
		[0, 100],
	]);
	t.false(n1.hasAddress);
	t.true(n2.hasAddress);
	n1.script("start_both").takes("30s");
	await n1.start();
	await n1.becomes("UP");
	t.deepEqual(seen.at(-1), [0, 100]);
	await all.pass("1s");
	t.deepEqual(loads(all), [50, 50]);
	await n1.restart();
	await n1.becomes("UP");
	t.deepEqual(seen.slice(3), [
		[0, 100],
		[0, 100],
		[0, 100],
	]);
});

test("powers: a heavier server, one without clients, one for when the others are gone", async (t) => {
	const powers = (n1: number, n2: number, n3: number): string =>
		`<cluster><host name="n1" power="${n1}"/><host name="n2" power="${n2}"/><host name="n3" power="${n3}"/></cluster>`;
	t.deepEqual(loads(await farm(t, 3, farmService(powers(3, 1, 0)))), [75, 25, 0]);
	const chained = await farm(t, 3, farmService(powers(4096, 64, 1)));
	t.deepEqual(loads(chained), [100, 0, 0]);
	chained.n1.losesPower();
	await chained.n2.shows("web_0", "100%", { within: "5s" });
	await chained.n2.stop();
	await chained.n3.shows("web_0", "100%", { within: "5s" });
});

test("a rule of a farm waits with its server's clients elsewhere; days without events take no time", async (t) => {
	const rules = "<failover><![CDATA[disk: if (custom.disk == down) then wait();]]></failover>";
	const all = await farm(t, 2, farmService("", rules));
	const from = performance.now();
	await all.pass("1000h");
	t.true(performance.now() - from < 30_000);
	all.n2.set("custom.disk", "down");
	await all.n2.becomes("WAIT", { within: "1m" });
	await all.n1.shows("web_0", "100%");
	all.n2.set("custom.disk", "up");
	await all.n2.becomes("UP", { within: "1m" });
	await all.n1.shows("web_0", "50%");
});

test("without a virtual address the servers only run the application", async (t) => {
	const all = await farm(t, 2, '<service mode="farm"><farm><lan name="default"/></farm><user/></service>');
	t.deepEqual(
		all.servers.map(({ state, hasAddress }) => [state, hasAddress]),
		[
			["UP", false],
			["UP", false],
		],
	);
});

test("a run is the same each time; a farm has 2 to 16 servers, a mirror 2", async (t) => {
	const module = moduleFolder(t, farmService(), emptyScripts);
	const timelines: string[] = [];
	for (let run = 0; run < 2; run++) {
		const all = await cluster({ module, servers: 6 });
		await all.start();
		all.n6.losesPower();
		await all.pass("10s");
		timelines.push(JSON.stringify(all.timeline.events));
		await all.close();
	}
	t.true((timelines[0]?.length ?? 0) > 1000);
	t.is(timelines[0], timelines[1]);
	await t.throwsAsync(cluster({ module, servers: 17 }), { message: /has 2 to 16 servers, not 17/ });
	const pair = moduleFolder(t, mirrorService(""), emptyScripts);
	await t.throwsAsync(cluster({ module: pair, servers: 3 }), {
		message: /A module of mode mirror has 2 servers, not 3/,
	});
});
