/**
 * `npm run demo` itself: what it prints, how it ends, and that nothing is left of it however it is ended. Addresses go
 * with the processes of a lab (test/lab/left.test.ts).
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { execa } from "execa";
import { timeoutMs } from "../../sdk/demo/servers.ts";
import { labTest } from "../lab/open.ts";
import { Random } from "../simulation/random.ts";
import { Demo } from "./run.ts";

const seed = Number(process.env.SEED ?? 1);
/** How long a failover may take beyond the heartbeat timeout, on a busy machine. */
const beyondMs = 6000;
const goneWithinMs = 5000;
const main = join(import.meta.dirname, "../../sdk/demo/main.ts");

labTest("ended in any way at any moment, nothing is left of the demo within seconds", {}, async (t, lab) => {
	const random = new Random(seed);
	for (const victim of ["demo", "starter", "npm", "Ctrl-C", "demo", "Ctrl-C"] as const) {
		const demo = new Demo();
		try {
			const afterMs = random.between(500, 9000);
			await sleep(afterMs);
			const title = `${victim} after ${afterMs} ms: ${demo.stdout.split("\n").at(-2)}`;
			const pid = await demo.pid("demo");
			if (victim === "Ctrl-C") demo.interrupt();
			else process.kill((await demo.pid(victim)) ?? (await demo.pid("npm"))!, "SIGKILL");
			// Who is asked to end still removes the state folder, which a busy machine may take its time for.
			const tidies = (line: string) => victim === "Ctrl-C" && /npm run|start\.mjs|demo\/main\.ts/.test(line);
			const none = (left: string[]) => {
				if (left.length > 0) throw new Error(left.join("\n"));
				return true;
			};
			await lab.until(`${title}: nothing is left`, goneWithinMs, () =>
				none(demo.left(pid).filter((line) => !tidies(line))),
			);
			await lab.until(`${title}: it has ended`, 20_000, () => none(demo.left(pid)));
			const { stderr } = await demo.end();
			t.false(/Error/.test(stderr), `${title}\n${stderr}`);
			t.log(title);
		} finally {
			demo.clear();
		}
	}
});

labTest(
	"two demos at once: one loses nothing, the sabotaged one finds what it lost",
	{ withinMs: 300_000 },
	async (t) => {
		const [good, bad] = [new Demo(["--once", "--json"]), new Demo(["--once", "--json", "--sabotage", "early-ack"])];
		try {
			const [kept, lost] = [await good.end(), await bad.end()];
			t.is(kept.code, 0, kept.stderr);
			const result = onlyLine(kept.stdout);
			t.is(result.lostWrites, 0, kept.stderr);
			t.true(result.failoverMs <= timeoutMs + beyondMs, `failover took ${result.failoverMs} ms`);
			t.true(result.failoverMs > 0 && result.resyncMs > 0 && result.swapMs > 0 && result.acknowledgedWrites > 50);
			const names = ["failoverMs", "acknowledgedWrites", "lostWrites", "resyncMs", "swapMs", "states"];
			t.deepEqual(Object.keys(result), names);
			const states = result.states as Record<string, unknown>[];
			for (const state of states) t.deepEqual(Object.keys(state), ["atMs", "node", "state", "status"]);
			t.true(states.some(({ node, state, status }) => node === "server1" && `${state} ${status}` === "PRIM Ready"));
			t.is(lost.code, 1, lost.stderr);
			t.true(onlyLine(lost.stdout).lostWrites > 0, lost.stderr);
			t.log(`failover ${result.failoverMs} ms, resync ${result.resyncMs} ms, swap ${result.swapMs} ms`);
		} finally {
			good.clear();
			bad.clear();
		}
	},
);

test("options that do not exist: exit 2, with what exists", async (t) => {
	for (const args of [["--sabotage", "everything"], ["--twice"], ["now"]]) {
		const { exitCode, stdout, stderr } = await execa(process.execPath, [main, ...args], { reject: false });
		t.is(exitCode, 2);
		t.is(stdout, "");
		t.regex(stderr, /^Error: .*\nUsage: npm run demo/);
	}
	const { exitCode, stdout } = await execa(process.execPath, [main, "--twice", "--json"], { reject: false });
	t.is(exitCode, 2);
	t.is(JSON.parse(stdout).error.code, "USAGE");
});

test("who is not root is told so", async (t) => {
	if (process.getuid?.() !== 0) return t.pass();
	// The folders of this checkout may be closed to others: nobody, but one who may read everything.
	const nobody = ["--reuid=65534", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];
	const command = [...nobody, process.execPath, main, "--once", "--json"];
	const { exitCode, stdout, stderr } = await execa("setpriv", command, { reject: false });
	t.is(exitCode, 1);
	t.regex(stderr, /Run it as root/);
	t.is(JSON.parse(stdout).error.code, "LAB_IMPOSSIBLE");
});

/** Standard output of `--json` is one line. */
function onlyLine(stdout: string) {
	const lines = stdout.split("\n");
	if (lines.length !== 2 || lines[1] !== "") throw new Error(`not one line: ${stdout}`);
	return JSON.parse(lines[0] as string) as Record<
		"failoverMs" | "acknowledgedWrites" | "lostWrites" | "resyncMs" | "swapMs",
		number
	> & {
		states: unknown;
	};
}
