/** Failover rules that a module writes itself, over resources that `safekit set` sets, here and on the other server. */
import { connect } from "node:net";
import type { LabNode } from "../../../sdk/lab/node.ts";
import { labTest } from "../open.ts";
import { Mirror, safekit } from "./mirror.ts";

const handleTimeMs = 1000;
const options = {
	timeout: "1s",
	pulse: "100ms",
	replicated: false,
	address: 'connections="on"',
	more: `<failover period="500ms" handle_time="${handleTimeMs}ms"><![CDATA[
		disk: if (custom.disk == down) then wait();
		/* the other server asks for the application */
		asked: if (remote.custom.wanted == up) then swap();
	]]></failover>`,
};

/** Milliseconds between two lines of the module log, found by their texts. */
async function between(mirror: Mirror, node: LabNode, first: string, second: string): Promise<number> {
	const lines = (await mirror.log(node)).split("\n");
	const [from, to] = [first, second].map((text) => {
		const line = lines.findLast((each) => each.endsWith(`| ${text}`)) ?? "";
		return Date.parse(`${line.slice(2, 25).replace(" ", "T")}Z`);
	});
	return (to ?? Number.NaN) - (from ?? Number.NaN);
}

labTest(
	"a resource that is down sends its server to WAIT, and wakes it up again; a rule on the other server's resource swaps",
	{ withinMs: 150_000 },
	async (t, lab) => {
		const mirror = await Mirror.make(lab, options);
		const [n1, n2] = mirror.nodes;
		await mirror.start();

		const client = connect({ host: mirror.vip, port: 8080 });
		client.on("error", () => {});
		await lab.until("the connection to the virtual address is counted", 15_000, async () => {
			return (await mirror.command(n1, `get -r connections.${mirror.vip}`)).trim() === "1";
		});
		client.destroy();

		await mirror.command(n1, "set -r custom.disk -v up -i diskcheck.sh");
		t.is((await mirror.command(n2, "get -r remote.custom.disk")).trim(), "up");
		await mirror.command(n1, "set -r custom.disk -v down -i diskcheck.sh");
		await mirror.until(n1, "WAIT NotReady", 20_000);
		await mirror.until(n2, "ALONE Ready", 10_000);
		const state = await mirror.state(n1);
		t.like(state, { rule: "disk", why: "The failover rule disk holds the module" });
		const tookMs = await between(
			mirror,
			n1,
			"Resource custom.disk set to down by diskcheck.sh",
			"Action wait from failover rule disk",
		);
		t.log(`the action began ${tookMs} ms after the resource went down, handle_time is ${handleTimeMs} ms`);
		t.true(tookMs >= handleTimeMs && tookMs < handleTimeMs + 500);

		await mirror.command(n1, "set -r custom.disk -v up -i diskcheck.sh");
		await mirror.until(n1, "SECOND Ready", 20_000);
		await mirror.until(n2, "PRIM Ready", 10_000);
		t.regex(await mirror.log(n1), /\| heart \| I \| Action wakeup from failover rule Implicit_wakeup\n/);

		await mirror.command(n1, "set -r custom.wanted -v up");
		await mirror.until(n1, "PRIM Ready", 20_000);
		await mirror.until(n2, "SECOND Ready", 10_000);
		t.regex(await mirror.log(n2), /\| heart \| C \| Action swap from failover rule asked\n/);
		t.deepEqual(await mirror.holders(), ["n1"]);
		await mirror.command(n1, "set -r custom.wanted -v down");

		t.is((await n1.attempt(`${safekit} set -m ${mirror.module} -r state.local -v PRIM`)).code, 2);
		t.regex(await mirror.command(n2, "state -v"), /remote\.custom\.wanted +down/);
		await n1.powerCut();
		await mirror.until(n2, "ALONE Ready", 20_000);
		t.is((await mirror.command(n2, "get -r remote.custom.wanted")).trim(), "unknown");
	},
);
