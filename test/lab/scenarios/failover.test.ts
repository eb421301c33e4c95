/** A mirror without replicated directories on real servers: start, failover, return, swap, stop, no trace left. */
import { readdirSync } from "node:fs";
import { labTest } from "../open.ts";
import { Mirror, nodeInNode } from "./mirror.ts";

const timeoutMs = 1000;
const options = { replicated: false, timeout: "1s", pulse: "100ms" };

labTest("a mirror fails over when its primary loses power, and back", { withinMs: 300_000 }, async (t, lab) => {
	const mirror = await Mirror.make(lab, options);
	const [n1, n2] = mirror.nodes;
	await mirror.command(n1, "start");
	await mirror.until(n1, "ALONE Ready", 30_000);
	t.deepEqual(await mirror.holders(), ["n1"]);
	await mirror.command(n2, "start");
	await mirror.until(n2, "SECOND Ready", 30_000);
	await mirror.until(n1, "PRIM Ready", 30_000);
	t.deepEqual(await mirror.holders(), ["n1"]);

	const from = performance.now();
	await n1.powerCut();
	await mirror.until(n2, "ALONE Ready", timeoutMs + 10_000);
	t.log(`failover in ${Math.round(performance.now() - from)} ms`);
	t.deepEqual(await mirror.holders(), ["n2"]);
	t.is((await fetch(mirror.url)).status, 200, "clients reach the service where it runs now");
	t.regex(await mirror.log(n2), /Action alone called by heart: no heartbeat/);

	await mirror.powerOn(n1);
	await mirror.until(n1, "SECOND Ready", 30_000);
	await mirror.until(n2, "PRIM Ready", 30_000);

	await mirror.command(n2, "swap");
	await mirror.until(n1, "PRIM Ready", 30_000);
	await mirror.until(n2, "SECOND Ready", 30_000);
	t.deepEqual(await mirror.holders(), ["n1"]);
	t.is((await fetch(mirror.url)).status, 200);

	await mirror.command(n1, "stop");
	await mirror.until(n2, "ALONE Ready", 30_000);
	await mirror.until(n1, "STOP NotReady", 30_000);
	t.deepEqual(await mirror.holders(), ["n2"]);
});

labTest("a cut cable of one of two networks is no reason for a failover; isolation is", { lans: 2 }, async (t, lab) => {
	const mirror = await Mirror.make(lab, options);
	const [n1, n2] = mirror.nodes;
	await mirror.command(n1, "start");
	await mirror.until(n1, "ALONE Ready", 30_000);
	await mirror.command(n2, "start");
	await mirror.until(n2, "SECOND Ready", 30_000);
	await lab.cut(n2, "lan1");
	await lab.until("n2 misses a heartbeat", 10_000, async () => /heartbeat.private.*down/.test(await mirror.log(n2)));
	t.is((await mirror.state(n2)).state, "SECOND");
	t.is((await mirror.state(n1)).state, "PRIM");
	await lab.restore();
	await lab.isolate(n2);
	await mirror.until(n2, "ALONE Ready", timeoutMs + 10_000);
	await mirror.until(n1, "ALONE Ready", timeoutMs + 10_000);
	await lab.restore();
	await lab.until("one of them gives way", 30_000, async () => {
		const states = [(await mirror.state(n1)).state, (await mirror.state(n2)).state].sort();
		return states.join() === "PRIM,SECOND";
	});
	t.is((await mirror.holders()).length, 1);
});

labTest("stop and unsetup leave nothing behind", {}, async (t, lab) => {
	const mirror = await Mirror.make(lab, { ...options, replicated: true });
	const [n1, n2] = mirror.nodes;
	const before = await trace();
	await mirror.start();
	t.not(await trace(), before, "a running module does leave a trace");
	for (const node of [n2, n1]) await mirror.command(node, "stop");
	for (const node of [n1, n2]) await mirror.until(node, "STOP NotReady", 60_000);
	await lab
		.until("nothing of the module is left", 10_000, async () => (await trace()) === before)
		.catch(async () => t.is(await trace(), before));
	for (const node of [n1, n2]) {
		await node.stopService("safeadmin");
		await node.run(`${nodeInNode} /opt/opensafe/core/cli/setup.ts unsetup`);
		for (const path of ["/opt/safekit", "/var/safekit"]) t.deepEqual(readdirSync(node.disk(path)), [], path);
		t.is((await node.attempt("ls /etc/systemd/system/safeadmin.service")).code, 2);
		t.is(await node.run("pgrep -f '[o]pt/opensafe' || true"), "");
	}

	/** What the product could leave on a server: mounts, addresses, nft rules, processes. */
	async function trace(): Promise<string> {
		const parts: string[] = [];
		for (const node of [n1, n2]) {
			parts.push(
				await node.run("grep -v ' /sys/kernel' /proc/mounts; ip -o addr | awk '{print $2, $4}'; nft list ruleset"),
			);
			parts.push(
				await node.run("ps -eo args= | grep -E 'core/replication|sleep inf|sdk/demo/app' | grep -v grep || true"),
			);
		}
		return parts.join("\n");
	}
});
