/** More than one module: N mirrors with one spare server, each with a favourite (spec/01 §1, §7). */
import { labTest } from "../open.ts";
import { safekit } from "./mirror.ts";
import { Site } from "./site.ts";

const service = (lan: string, favourite: string, vip: string, interval = "10"): string =>
	`<service mode="mirror" boot="on" defaultprim="${favourite}">
		<heart pulse="100ms" timeout="1s"><heartbeat name="${lan}"/></heart>
		<vip><interface_list><interface check="off"><real_interface><virtual_addr addr="${vip}" check="off"/></real_interface></interface></interface_list></vip>
		<user nicestoptimeout="${interval}"/>
	</service>`;
const scripts = { start_prim: "echo started > /run/$SAFEMODULE", stop_prim: "rm -f /run/$SAFEMODULE" };

labTest("two mirrors share a spare server: it takes over either, or both, and gives them back", {}, async (t, lab) => {
	// Each pair has a lan of its own, on the same wire: that is what tells a module who its other server is.
	const site = await Site.make(lab, 3, { one: [1, 3], two: [2, 3] });
	const [n1, n2, spare] = [site.node(1), site.node(2), site.node(3)];
	const [vip1, vip2] = [lab.address(101), lab.address(102)];
	await site.install([n1, spare], "m1", service("one", "n1", vip1), scripts);
	await site.install([n2, spare], "m2", service("two", "n2", vip2), scripts);
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
