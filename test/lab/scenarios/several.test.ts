/** More than one module: N mirrors with one spare server, each with a favourite (spec/01 §1, §7). */
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { labTest } from "../open.ts";
import { nodeInNode, safekit } from "./mirror.ts";
import { Site } from "./site.ts";

const port = 7777;
const service = (lan: string, favourite: string, vip: string, interval = "600s"): string =>
	`<service mode="mirror" boot="on" defaultprim="${favourite}">
		<heart pulse="100ms" timeout="1s"><heartbeat name="${lan}"/></heart>
		<vip><interface_list><interface check="off"><real_interface><virtual_addr addr="${vip}" check="off"/></real_interface></interface></interface_list></vip>
		<user/>
		<check><tcp ident="web" when="prim" action="noaction"><to addr="127.0.0.1" port="${port}" interval="${interval}" timeout="1s"/></tcp></check>
	</service>`;
const scripts = {
	start_prim: "echo started > /run/$SAFEMODULE; echo start >> /run/starts",
	stop_prim: "rm -f /run/$SAFEMODULE",
	update: 'echo "$*" > /run/update',
};

labTest("two mirrors share a spare server: it takes over either, or both, and gives them back", {}, async (t, lab) => {
	// Each pair has a lan of its own, on the same wire: that is what tells a module who its other server is.
	const site = await Site.make(lab, 3, { default: [1, 2, 3], one: [1, 3], two: [2, 3] });
	const [n1, n2, spare] = [site.node(1), site.node(2), site.node(3)];
	const [vip1, vip2] = [lab.address(101), lab.address(102)];
	await site.install([n1, spare], { module: "m1", id: 1 }, service("one", "n1", vip1), scripts);
	await site.install([n2, spare], { module: "m2", id: 2 }, service("two", "n2", vip2), scripts);
	for (const [node, module] of [
		[n1, "m1"],
		[n2, "m2"],
	] as const) {
		await node.run(`${safekit} start -m ${module}`);
		await site.until(node, module, "ALONE Ready");
		await spare.run(`${safekit} start -m ${module}`);
		await site.until(node, module, "PRIM Ready");
		await site.until(spare, module, "SECOND Ready");
	}
	const runs = async (): Promise<string[]> => {
		const found: string[] = [];
		for (const node of site.nodes.filter((each) => each.isOn)) {
			const [files, addresses] = [await node.run("ls /run"), await node.run("ip -4 -o addr")];
			for (const [module, vip] of [
				["m1", vip1],
				["m2", vip2],
			] as const) {
				const here = [files.split("\n").includes(module), addresses.includes(`${vip}/`)];
				if (here.some(Boolean)) found.push(`${module} on ${node.name}${here.every(Boolean) ? "" : " in part"}`);
			}
		}
		return found.sort();
	};
	t.deepEqual(await runs(), ["m1 on n1", "m2 on n2"]);
	await changeWhilePrim(t, site, service("one", "n1", vip1, "1s"));

	await n1.powerCut();
	await site.until(spare, "m1", "ALONE Ready", 20_000);
	t.deepEqual(await runs(), ["m1 on n3", "m2 on n2"], "the other module is not touched");
	await n2.powerCut();
	await site.until(spare, "m2", "ALONE Ready", 20_000);
	t.deepEqual(await runs(), ["m1 on n3", "m2 on n3"]);

	// boot="on" and defaultprim: each goes home by itself.
	for (const [node, module] of [
		[n1, "m1"],
		[n2, "m2"],
	] as const) {
		await site.powerOn(node);
		await site.until(node, module, "PRIM Ready");
		await site.until(spare, module, "SECOND Ready");
		t.regex(await site.log(node, module), /\| heart \| E \| Transition SWAP from defaultprim\n/);
		t.regex(await site.log(node, module), /Action start called at boot time\n/);
	}
	t.deepEqual(await runs(), ["m1 on n1", "m2 on n2"]);
});

/** The interval of a checker becomes short while m1 is PRIM on n1: what it tests is seen at once, and nothing stops. */
async function changeWhilePrim(t: ExecutionContext, site: Site, next: string): Promise<void> {
	const n1 = site.node(1);
	const value = async (): Promise<string> => (await n1.run(`${safekit} get -m m1 -r tcp.web`)).trim();
	await site.lab.until("the closed port is seen", 20_000, async () => (await value()) === "down");
	n1.startService("listener", `${nodeInNode} -e "require('net').createServer().listen(${port}, '127.0.0.1')"`);
	await sleep(3000);
	t.is(await value(), "down", "the next test is minutes away");
	await n1.write("/opt/safekit/modules/m1/conf/userconfig.xml", `<safe>${next}</safe>\n`);
	await n1.run(`${safekit} config -m m1`);
	await site.lab.until("the checker tests every second", 10_000, async () => (await value()) === "up");
	t.is(await site.state(n1, "m1"), "PRIM Ready");
	t.is(await n1.run("cat /run/starts"), "start", "the application was not touched");
	t.is(await n1.run("cat /run/update"), "PRIM PRIM update");
	const refused = await n1.attempt(
		`sed -i s/101/109/ /opt/safekit/modules/m1/conf/userconfig.xml && ${safekit} config -m m1`,
	);
	t.is(refused.code, 4);
	t.regex(refused.stderr, /virtual_addr\[10\.99\.\d+\.109\]@addr: 10\.99\.\d+\.101 → 10\.99\.\d+\.109\n/);
}
