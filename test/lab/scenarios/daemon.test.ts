/** The daemon is killed under load, and the machine is busy: neither is a reason for a failover. */
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";
import { labTest } from "../open.ts";
import { Load } from "./load.ts";
import { Mirror } from "./mirror.ts";

const busySeconds = 60;
const options = { timeout: "1s", pulse: "100ms" };
/** Lines of the module log that speak of a failover, or of anything else that the application would notice. */
const reaction = /Action |Local state |Script |Split brain/;
/** Lines that speak of a lost heartbeat. */
const loss = /no heartbeat|heartbeat\.\S+ set to down|Remote state UNKNOWN|remote stop|Split brain/;

/** Two servers, the application running on the first one and written to by a client. */
async function underLoad(lab: Lab): Promise<{ mirror: Mirror; load: Load }> {
	const mirror = await Mirror.make(lab, options);
	await mirror.start();
	const load = new Load(mirror.url, 3);
	await load.more(20, 30_000);
	return { mirror, load };
}

async function applicationPid(node: LabNode): Promise<string> {
	return node.run("pgrep -f '^[^ ]*node [^ ]*sdk/demo/app.ts'");
}

labTest("kill -9 of the daemon under load: restarted, no failover, no error", { withinMs: 300_000 }, async (t, lab) => {
	const { mirror, load } = await underLoad(lab);
	const [n1, n2] = mirror.nodes;
	const application = await applicationPid(n1);
	const before = { n1: (await mirror.log(n1)).length, n2: (await mirror.log(n2)).length };
	try {
		for (const node of [n1, n2, n1, n2]) {
			const pid = await mirror.daemonPid(node);
			await node.run(`kill -9 ${pid}`);
			await lab.until(`${node.name} has another daemon`, 10_000, async () => {
				const now = await mirror.daemonPid(node);
				return now > 1 && now !== pid && (await node.attempt(`test -d /proc/${now}`)).code === 0;
			});
			t.not((await node.attempt(`test -d /proc/${pid}`)).code, 0, "the daemon really died");
			await load.more(20, 15_000);
			await mirror.until(n1, "PRIM Ready", 15_000);
			await mirror.until(n2, "SECOND Ready", 15_000);
		}
	} finally {
		await load.stop();
	}
	t.notRegex((await mirror.log(n1)).slice(before.n1), reaction);
	t.notRegex((await mirror.log(n2)).slice(before.n2), reaction);
	t.is(await applicationPid(n1), application, "the application ran through");
	t.deepEqual(load.errors, []);
	t.deepEqual(await load.lost(), []);
	t.deepEqual(await mirror.holders(), ["n1"]);
});

labTest(
	"two busy loops: no false loss, and a node that dies meanwhile is noticed",
	{ withinMs: 400_000 },
	async (t, lab) => {
		const { mirror, load } = await underLoad(lab);
		const [n1, n2] = mirror.nodes;
		const before = { n1: (await mirror.log(n1)).length, n2: (await mirror.log(n2)).length };
		const loops = [n1, n2].map((node) =>
			node.attempt(`timeout ${busySeconds + 60} bash -c 'while :; do :; done'`, { timeoutMs: 200_000 }),
		);
		await new Promise((resolve) => setTimeout(resolve, busySeconds * 1000));
		t.notRegex((await mirror.log(n1)).slice(before.n1), loss);
		t.notRegex((await mirror.log(n2)).slice(before.n2), loss);
		t.is((await mirror.state(n1)).state, "PRIM");
		t.is((await mirror.state(n2)).state, "SECOND");
		const from = performance.now();
		await n1.powerCut();
		await mirror.until(n2, "ALONE Ready", 20_000);
		t.log(`noticed and taken over after ${Math.round(performance.now() - from)} ms under load`);
		await load.more(20, 30_000);
		await load.stop();
		await n2.run("pkill -f '[w]hile :; do' || true");
		await Promise.all(loops);
		t.deepEqual(await load.lost(), []);
	},
);
