/** What an administrator meets in the first days: a split network, a swap that is watched, commands that go wrong. */
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { labTest } from "../open.ts";
import { data, Mirror, safekit } from "./mirror.ts";

const options = { timeout: "1s", pulse: "100ms" };
const lab90 = { withinMs: 90_000 };

labTest("after a split the former primary goes on, and what the other wrote is kept by name", lab90, async (t, lab) => {
	const mirror = await Mirror.make(lab, options);
	const [n1, n2] = mirror.nodes;
	await mirror.start();
	await lab.isolate(n2);
	for (const node of [n1, n2]) await mirror.until(node, "ALONE Ready", 20_000);
	await n1.write(`${data}/who`, "the primary");
	await n2.write(`${data}/who`, "the other");
	await n2.write(`${data}/folder/only there`, "precious");
	await lab.restore();
	await mirror.until(n2, "SECOND Ready", 30_000);
	// A client that had found the other one must learn where the address is now.
	const { stdout: route } = await execa("ip", ["-o", "route", "get", mirror.vip]);
	const device = / dev (\S+)/.exec(route)?.[1] ?? "";
	const macs = await Promise.all([n1, n2].map((node) => node.run("cat /sys/class/net/eth0/address")));
	await execa("ip", ["neigh", "replace", mirror.vip, "lladdr", macs[1]!.trim(), "dev", device, "nud", "reachable"]);
	await lab.until("the virtual address is announced again", 10_000, async () => {
		return (await execa("ip", ["neigh", "show", mirror.vip])).stdout.includes(macs[0]!.trim());
	});
	await mirror.until(n1, "PRIM Ready", 10_000);
	t.regex(await mirror.log(n1), /\| heart \| E \| Split brain recovery: staying alone\n/);
	t.regex(await mirror.log(n2), /\| heart \| E \| Split brain recovery: exiting alone\n/);
	t.is(await n2.read(`${data}/who`), "the primary");
	t.is(await n2.read(`${data}/folder/only there`), null);
	await mirror.command(n2, "stop");
	await mirror.until(n2, "STOP NotReady", 30_000);
	t.is(await n2.run(`cat ${data}/.opensafe/quarantine/*/who`), "the other");
	t.is(await n2.run(`cat "$(find ${data}/.opensafe/quarantine -name 'only there')"`), "precious");
});

labTest(
	"a swap says what it does, a refusal is told and logged, a cluster is not overwritten",
	lab90,
	async (t, lab) => {
		const mirror = await Mirror.make(lab, { ...options, replicated: false });
		const [n1, n2] = mirror.nodes;
		await mirror.start();

		const exported = { env: { SAFEMODULE: mirror.module } };
		const refused = await n2.attempt(`${safekit} swap`, exported);
		t.is(refused.code, 4, "also with SAFEMODULE exported in the shell");
		t.regex(refused.stderr, /^Error: No swap: .*\nRun `safekit swap` on the server in state PRIM/);
		t.regex(
			await mirror.log(n2),
			/\| heart \| E \| Requested swap refused: No swap: the module is SECOND \(Ready\) here/,
		);

		await n1.run("mkfifo /run/gate");
		await n1.run(
			`cd /opt/safekit/modules/${mirror.module}/bin && sed -i '2i [ "$1" != PRIM ] || cat /run/gate' stop_prim`,
		);
		await mirror.command(n1, "stop");
		await mirror.until(n1, "STOP NotReady", 30_000);
		await mirror.command(n1, "config");
		await mirror.command(n1, "start");
		await mirror.until(n1, "SECOND Ready", 30_000);
		await mirror.until(n2, "PRIM Ready", 30_000);
		await mirror.command(n2, "swap");
		await mirror.until(n1, "PRIM Ready", 30_000);
		await mirror.until(n2, "SECOND Ready", 30_000);
		await mirror.command(n1, "swap");
		t.is((await mirror.state(n1)).why, "The application is being stopped here, to run on n2");
		await n1.run("echo > /run/gate");
		await mirror.until(n2, "PRIM Ready", 30_000);
		const alone = /Action alone called by heart/g;
		t.is((await mirror.log(n2)).match(alone)?.length, 1, "from the stop of n1, and none from the swap");

		const before = await n1.read("/var/safekit/cluster/cluster.xml");
		t.is((await n1.attempt(`${safekit} cluster create 10.0.0.1 10.0.0.2`)).code, 4);
		await n1.write("/var/safekit/foreign.xml", before?.replaceAll(/addr="[^"]*"/g, 'addr="10.0.0.1"') ?? "");
		t.not((await n1.attempt(`${safekit} cluster config /var/safekit/foreign.xml`)).code, 0);
		await sleep(100);
		t.is(await n1.read("/var/safekit/cluster/cluster.xml"), before);
		t.is((await mirror.state(n1)).state, "SECOND");
	},
);
