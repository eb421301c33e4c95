/**
 * `npm run bench -- modules`: how many modules two servers carry, and what an idle one costs. Both servers, their
 * daemons and whatever they start share this machine.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { writePackage } from "../../../core/module/package/write.ts";
import { makeNodes, type Node } from "../../node/nodes.ts";
import { writeModule } from "../../node/server.ts";
import { idleCpu, memoryOf, processesOf } from "./load.ts";

const usage = `Usage: npm run bench -- modules [--plain N] [--replicated N] [--idle SECONDS] [--json]

Configures and starts N mirror modules without replication, then N with it, on two servers of this machine, and
measures the start of one, and memory and processor time of idle ones. Needs root.
Defaults: 200 without, 64 with, 60 s.
`;

interface Result {
	what: string;
	modules: number;
	/** Milliseconds from the command to ALONE Ready, of one module with empty scripts; median and worst of some. */
	startMs: { median: number; worst: number };
	/** Seconds until all were PRIM on one server and SECOND on the other. */
	allS: number;
	/** For each module on each server. */
	mbRss: number;
	mbPss: number;
	cpuPercent: number;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const scripts = Object.fromEntries(["prestart", "start_prim", "stop_prim"].map((name) => [name, "exit 0"]));
const kinds = { plain: "without replication", replicated: "with replication" } as const;
type Kind = keyof typeof kinds;

const service = (kind: Kind, dir: string): string =>
	`<service mode="mirror"><heart><heartbeat name="default"/></heart>${kind === "plain" ? "" : `<rfs><replicated dir="${dir}"/></rfs>`}<user/></service>`;

async function install(nodes: readonly Node[], kind: Kind, name: string): Promise<void> {
	for (const node of nodes) {
		const { folder } = node.server;
		const dir = join(folder, "data", name);
		const source = writeModule(join(folder, "source", name), service(kind, dir), scripts);
		if (kind === "replicated") mkdirSync(dir, { recursive: true });
		const file = join(folder, `${name}.safe`);
		await writePackage(source, file);
		await node.ok("module", "install", "-m", name, file);
		await node.ok("config", "-m", name);
	}
}

/** Waits until all modules of a server are in one of the states. */
async function until(node: Node, count: number, state: string, signal: AbortSignal): Promise<void> {
	for (let waited = 0; ((await node.states()).get(state) ?? 0) < count; waited++) {
		if (waited > 3000) throw new Error(`not all ${count} are ${state}: ${[...(await node.states())]}`);
		await sleep(200, undefined, { signal });
	}
}

async function startOne(node: Node, name: string): Promise<number> {
	const from = performance.now();
	await node.ok("start", "-m", name);
	await node.ok("waitstate", "-m", name, "ALONE", "--timeout", "60");
	return performance.now() - from;
}

const sorted = (numbers: number[]): number[] => numbers.toSorted((a, b) => a - b);

async function measure(kind: Kind, count: number, idleS: number, signal: AbortSignal): Promise<Result> {
	const undo: (() => Promise<void>)[] = [];
	try {
		const [first, second] = await makeNodes((action) => undo.push(action));
		const nodes = [first, second];
		const pids = nodes.flatMap(({ server }) => processesOf(server.safevar));
		await sleep(3000, undefined, { signal });
		const empty = { memory: memoryOf(pids), cpu: await idleCpu(pids, Math.min(idleS, 20), signal) };
		const names = Array.from({ length: count }, (_, index) => `m${index + 1}`);
		say(`${count} modules ${kinds[kind]}: configuring …`);
		for (const name of names) await install(nodes, kind, name);
		say("starting …");
		// A first start needs a person's word where data is replicated.
		const [from, starts] = [performance.now(), [] as number[]];
		if (kind === "plain") for (const name of names.slice(0, 10)) starts.push(await startOne(first, name));
		const order = kind === "plain" ? "start" : "prim";
		for (const name of names.slice(starts.length)) await first.ok(order, "-m", name);
		await until(first, count, "ALONE Ready", signal);
		for (const name of names) await second.ok("start", "-m", name);
		await until(second, count, "SECOND Ready", signal);
		await until(first, count, "PRIM Ready", signal);
		const allS = (performance.now() - from) / 1000;
		if (kind === "replicated") starts.push(...(await restarts(first, second, names.slice(0, 5))));
		say(`all are PRIM and SECOND after ${allS.toFixed(0)} s; idle for ${idleS} s …`);
		await sleep(10_000, undefined, { signal });
		const all = nodes.flatMap(({ server }) => processesOf(server.safevar));
		const [cpu, memory] = [await idleCpu(all, idleS, signal), memoryOf(all)];
		const places = count * nodes.length;
		return {
			what: kinds[kind],
			modules: count,
			startMs: { median: sorted(starts)[starts.length >> 1] ?? 0, worst: Math.max(...starts) },
			allS,
			mbRss: (memory.rssMb - empty.memory.rssMb) / places,
			mbPss: (memory.pssMb - empty.memory.pssMb) / places,
			cpuPercent: (cpu - empty.cpu) / places,
		};
	} finally {
		say("removing what was made …");
		for (const action of undo.reverse()) await action().catch((error: Error) => say(error.message));
	}
}

/** Stops some on both servers, the secondary first, and starts them where they were primary. */
async function restarts(first: Node, second: Node, names: string[]): Promise<number[]> {
	const times: number[] = [];
	for (const name of names) {
		for (const node of [second, first]) {
			await node.ok("stop", "-m", name);
			await node.ok("waitstop", "-m", name, "--timeout", "120");
		}
		times.push(await startOne(first, name));
		await second.ok("start", "-m", name);
		await second.ok("waitstate", "-m", name, "SECOND", "--timeout", "120");
	}
	return times;
}

function asText({ what, modules, startMs, allS, mbRss, mbPss, cpuPercent }: Result): string {
	return [
		`${modules} modules ${what} on 2 servers: PRIM and SECOND after ${allS.toFixed(0)} s`,
		`  start to ALONE  ${startMs.median.toFixed(0)} ms, at most ${startMs.worst.toFixed(0)} ms`,
		`  an idle module  ${mbRss.toFixed(2)} MB resident (${mbPss.toFixed(2)} MB proportional), ${cpuPercent.toFixed(3)} % of a core`,
	].join("\n");
}

export async function benchModules(args: string[]): Promise<number> {
	const { values } = parseArgs({
		args,
		options: {
			plain: { type: "string", default: "200" },
			replicated: { type: "string", default: "64" },
			idle: { type: "string", default: "60" },
			json: { type: "boolean" },
			help: { type: "boolean", short: "h" },
		},
	});
	if (values.help) {
		process.stdout.write(usage);
		return 0;
	}
	if (process.getuid?.() !== 0) {
		process.stderr.write("Error: it needs root.\n");
		return 1;
	}
	const stopped = new AbortController();
	for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopped.abort());
	const results: Result[] = [];
	for (const kind of ["plain", "replicated"] as const) {
		const count = Number(values[kind]);
		if (!Number.isSafeInteger(count) || count < 0 || count > 200) {
			process.stderr.write(`Error: --${kind} ${values[kind]}: a number up to 200 is expected.\n\n${usage}`);
			return 2;
		}
		if (count === 0) continue;
		const result = await measure(kind, count, Number(values.idle), stopped.signal);
		results.push(result);
		process.stdout.write(`${asText(result)}\n\n`);
	}
	if (values.json) process.stdout.write(`${JSON.stringify({ modules: results })}\n`);
	return 0;
}
