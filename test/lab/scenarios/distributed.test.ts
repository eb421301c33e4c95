/** Commands for other servers between real servers: the set-up script that the spec tells of, and what goes wrong. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import AdmZip from "adm-zip";
import { checkoutInNode, type LabNode } from "../../../sdk/lab/node.ts";
import { labTest } from "../open.ts";
import { daemon, Mirror, nodeInNode, safekit } from "./mirror.ts";

const script = join(import.meta.dirname, "k3sconfig.fixture.sh");
const withinMs = 120_000;
/** As the published one: a blank that the script fills in, one line each, the manifest of another module. */
const userconfig = `<!DOCTYPE safe><safe>
	<macro name="VIRTUALIP" value=""/>
	<service mode="mirror">
		<heart pulse="200ms" timeout="2000ms"><heartbeat name="default" ident="flow"/></heart>
		<vip><interface_list><interface><real_interface><virtual_addr addr="%VIRTUALIP%" where="one_side_alias"/></real_interface></interface></interface_list></vip>
		<rfs><replicated dir="/data"/></rfs>
		<user><var name="VIRTUALIP" value="%VIRTUALIP%"/></user>
	</service>
</safe>
`;
const bin = {
	prestart: "exit 0",
	// Takes its time: the next step needs what it starts.
	start_prim: "sleep 3; ip addr | grep -q $VIRTUALIP/ && touch /data/started",
	stop_prim: "exit 0",
	postconfig: "test ! -e /run/hang || { touch /run/hangs; sleep 600; }",
};

/** A server with the product and its daemon, and nothing else. */
async function bare(node: LabNode): Promise<void> {
	await node.run(`${nodeInNode} ${checkoutInNode}/core/cli/setup.ts setup`, { timeoutMs: withinMs });
	node.startService("safeadmin", daemon);
	const zip = new AdmZip();
	zip.addFile("conf/userconfig.xml", Buffer.from(userconfig));
	for (const [name, text] of Object.entries(bin))
		zip.addFile(`bin/${name}`, Buffer.from(`#!/bin/sh\n${text}\n`), "", 0o755);
	zip.addFile("manifest.xml", Buffer.from('<module name="mirror"/>'));
	zip.writeZip(join(node.disk("/var/safekit"), "k3s.safe"));
	copyFileSync(script, join(node.disk("/var/safekit"), "k3sconfig.sh"));
}

labTest(
	"the published set-up script makes a cluster of two servers that know nothing of each other",
	{ withinMs: 400_000 },
	async (t, lab) => {
		const nodes: [LabNode, LabNode] = [
			await lab.node("one", { keep: ["/data"] }),
			await lab.node("two", { keep: ["/data"] }),
		];
		const [one, two] = nodes;
		for (const node of nodes) await bare(node);
		const listens = (node: LabNode) => node.run("ss -Hltn sport = :9010");
		for (const node of nodes) await lab.until(`the daemon of ${node.name} listens`, 30_000, () => listens(node));
		const phase = (node: LabNode, words: string) =>
			node.attempt(`bash /var/safekit/k3sconfig.sh ${words}`, { timeoutMs: withinMs });
		const addresses = nodes.map((node) => node.address(0));
		const first = `first ${addresses.join(" ")} /var/safekit/k3s.safe ${lab.address(100)}`;

		// Without the second server's consent, the script ends where it should.
		t.is((await phase(one, "prereq")).code, 0);
		const early = await phase(one, first);
		t.is(early.code, 1);
		t.regex(
			early.stderr,
			/Error: server1 \(.*\) takes no command from here: it has no cluster configuration, or another one\.\n[\s\S]*k3sconfig: -G failed/,
		);

		t.is((await phase(two, "prereq")).code, 0);
		const made = await phase(one, first);
		t.is(made.code, 0, made.stderr);
		t.regex(made.stdout, /Server=http:\/\/[\d.]+\.2:9010 -+\nThis server is server1\./);
		t.is(made.stdout.match(/^Module k3s is configured/gm)?.length, 2);
		t.is(
			await two.run("cat /opt/safekit/modules/k3s/conf/userconfig.xml"),
			await one.run("cat /opt/safekit/modules/k3s/conf/userconfig.xml"),
		);

		// The second phase waits for a primary that is just starting.
		await one.run(`${safekit} stopstart -m k3s`);
		const second = await phase(two, "second");
		t.is(second.code, 0, second.stderr);
		const mirror = new Mirror(lab, nodes, "k3s");
		await mirror.until(one, "PRIM Ready", 60_000);
		await mirror.until(two, "SECOND Ready", 60_000);
		const state = await two.run(`${safekit} -H "*" state -m k3s -l`);
		t.is(
			state,
			addresses
				.map(
					(address, i) =>
						`---------------- Server=http://${address}:9010 ----------------\n${["PRIM", "SECOND"][i]} Ready`,
				)
				.join("\n"),
		);
		t.is(
			(await two.attempt(`${safekit} -H server0 waitstart -m other`)).code,
			1,
			"the exit code is that of the other server",
		);
		t.is((await two.attempt(`${safekit} -H server0 state -m k3s -lq`)).code, 3);
		await one.run(`${safekit} -H "server1,server0" stop -m k3s`);
		await one.run(`${safekit} -H "*" waitstop -m k3s`);

		// Killed in the middle of -E: the daemon comes back, and the module is as it was.
		const signature = await two.run(`${safekit} confinfo -m k3s --json`);
		await two.run("touch /run/hang");
		await one.run("sed -i 's/2000ms/2500ms/' /opt/safekit/modules/k3s/conf/userconfig.xml");
		const pushing = one.attempt(`${safekit} -H "*" -E k3s`, { timeoutMs: withinMs });
		await lab.until("postconfig hangs", 60_000, async () => (await two.attempt("test -e /run/hangs")).code === 0);
		await two.run(`kill -9 ${await mirror.daemonPid(two)}`);
		const pushed = await pushing;
		t.is(pushed.code, 1);
		t.regex(pushed.stderr, /The connection to server1 \(.*\) ended before the command had\./);
		await mirror.until(two, "STOP NotReady", 60_000);
		t.is(await two.run(`${safekit} confinfo -m k3s --json`), signature);
		await two.run("rm /run/hang");
		t.is((await one.attempt(`${safekit} -H "*" -E k3s`, { timeoutMs: withinMs })).code, 0);
		t.not(await two.run(`${safekit} confinfo -m k3s --json`), signature);

		// A server behind a cut network, and one with another key: named, with what to do; the others are served.
		await lab.isolate(two);
		const cut = await one.attempt(`${safekit} -H "*" level`);
		t.is(cut.code, 1);
		t.regex(cut.stderr, /^Error: server1 \([\d.]+:9010\) is not reached: it does not answer\.\nLook whether/);
		t.regex(cut.stdout, /^SafeKit: /m);
		await lab.restore();
		await two.run(`${safekit} cluster genkey`);
		const strange = await one.attempt(`${safekit} -H "*" -E k3s`);
		t.is(strange.code, 1);
		t.regex(
			strange.stderr,
			/server1 \(.*\) takes no command from here: it does not hold the same key as this server\./,
		);
	},
);
