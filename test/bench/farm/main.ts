/**
 * `npm run bench -- farm`: how long clients of a lost server wait, what a planned stop and return cost, and how much
 * goes through the filter, against pairs of servers with keepalived, haproxy and a director in the kernel.
 */
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Lab } from "../../../sdk/lab/lab.ts";
import { describeMissing, ensureDebianPackages, hasProgram, missingForLab } from "../../../sdk/lab/prerequisites.ts";
import type { VirtualType } from "../../lab/farm/farm.ts";
import { farmPackages } from "../../packages.ts";
import { commit, describeMachine } from "../machine.ts";
import { writeChapter } from "../report/chapters.ts";
import { asText } from "../report/table.ts";
import type { Contender } from "./contender.ts";
import { load, loseServer, stopAndReturn } from "./measurements.ts";
import { Product } from "./product.ts";
import { isReference, Reference, type ReferenceName, referenceNames } from "./reference.ts";
import { aims, chapter, type Measured, numbers } from "./report.ts";

const usage = `Usage: npm run bench -- farm [--quick] [--only NAME,NAME…] [--json]

Two servers and 200 clients in namespaces of this machine, in turn: pairs with keepalived, keepalived and haproxy,
keepalived and a director in the kernel, then a farm module with its two kinds of address. A server loses power; one is
stopped and returns under load; wrk measures requests a second. Needs root and a quiet machine; takes up to 10 minutes.
The chapter on the farm in test/bench/RESULTS.md is written anew by a run of everything.

  --quick   everything once and shorter; RESULTS.md stays as it is
  --only    only these, and RESULTS.md stays as it is: ${[...referenceNames, "invisible", "directed", "default"].join(", ")}
            (default: the farm with the membership times that it has when none are configured)
  --json    ends with one line of JSON
`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const fast = 'mlost_count="3" slost_count="3"';
const programs = ["nginx", "keepalived", "haproxy", "wrk"];

interface Plan {
	rounds: number;
	seconds: number;
	signal: AbortSignal;
}

interface Job {
	name: string;
	run: (lab: Lab, plan: Plan) => Promise<Measured>;
}

const nothing = (): Pick<Measured, "through" | "served"> => ({ through: [], served: [] });

const jobs: Job[] = [
	...referenceNames.map((name) => ({ name, run: (lab: Lab, plan: Plan) => reference(lab, name, plan) })),
	{ name: "invisible", run: (lab, plan) => product(lab, "vmac_invisible", plan) },
	{ name: "directed", run: (lab, plan) => product(lab, "vmac_directed", plan) },
	{ name: "default", run: (lab, plan) => defaults(lab, plan) },
];

async function reference(lab: Lab, name: ReferenceName, plan: Plan): Promise<Measured> {
	const pair = await Reference.make(name, lab);
	const [first] = pair.nodes;
	const lost = await lose(pair, [0], plan, 2500);
	return { ...nothing(), name, lost, planned: [await stopAndReturn(pair, first)] };
}

async function product(lab: Lab, type: VirtualType, plan: Plan): Promise<Measured> {
	const farm = await Product.make(lab, type, fast);
	const lost = await lose(farm, [0, 1], plan, 2500);
	const planned = [];
	for (const node of farm.nodes) planned.push(await stopAndReturn(farm, node));
	return { ...nothing(), name: type, lost, planned };
}

async function defaults(lab: Lab, plan: Plan): Promise<Measured> {
	const farm = await Product.make(lab, "vmac_invisible", "");
	return { ...nothing(), name: "default", lost: await lose(farm, [0, 1], plan, 5000), planned: [] };
}

/** Each of the servers loses power some times, and comes back. */
async function lose(contender: Contender, which: number[], plan: Plan, waitMs: number): Promise<Measured["lost"]> {
	const found: Measured["lost"] = [];
	for (const index of which) {
		const gapsMs: number[] = [];
		for (let round = 0; round < plan.rounds; round++) {
			plan.signal.throwIfAborted();
			const node = contender.nodes[index]!;
			gapsMs.push((await loseServer(contender, node, waitMs)).gapMs);
			await contender.revive(node);
			await contender.untilServed();
		}
		say(`  ${contender.nodes[index]!.name} lost: ${gapsMs.map((ms) => ms.toFixed(0)).join(", ")} ms`);
		found.push({ node: contender.nodes[index]!.name, gapsMs });
	}
	return found;
}

async function runAll(chosen: Job[], plan: Plan): Promise<{ measured: Measured[]; problems: string[] }> {
	const measured: Measured[] = [];
	const problems: string[] = [];
	const attempt = async (name: string, work: (labs: Labs) => Promise<void>): Promise<void> => {
		plan.signal.throwIfAborted();
		say(`${name} …`);
		const labs = new Labs(plan.signal);
		try {
			await work(labs);
		} catch (error) {
			plan.signal.throwIfAborted();
			problems.push(`${name}: ${(error as Error).message.split("\n")[0]}`);
			say(problems.at(-1)!);
		} finally {
			await labs.close();
		}
	};
	for (const { name, run } of chosen) {
		await attempt(name, async (labs) => void measured.push(await run(await labs.open(), plan)));
	}
	const found = measured.filter(({ name }) => name !== "default");
	await attempt("requests a second", (labs) => throughput(found, labs, plan));
	const filtered = measured.find(({ name }) => name === "vmac_invisible");
	if (filtered !== undefined) await attempt("one server", async (labs) => oneServer(await labs.open(), filtered, plan));
	return { measured, problems };
}

/** All stand at the same time and are measured in turn: the machine is the same for all of them. */
async function throughput(found: readonly Measured[], labs: Labs, plan: Plan): Promise<void> {
	const contenders: { measured: Measured; contender: Contender }[] = [];
	for (const measured of found) {
		const { name } = measured;
		const lab = await labs.open();
		const contender = isReference(name)
			? await Reference.make(name, lab)
			: await Product.make(lab, name as VirtualType, "");
		contenders.push({ measured, contender });
	}
	for (let round = 0; round < 2 * plan.rounds; round++) {
		for (const { measured, contender } of contenders) {
			plan.signal.throwIfAborted();
			measured.through.push(await load(contender, contender.target, plan.seconds));
		}
	}
}

/**
 * One server serves, and no other has power, so that what the switch gives to others costs nothing here: through the
 * filter, without any, and behind a firewall that knows connections, as most servers have.
 */
async function oneServer(lab: Lab, measured: Measured, plan: Plan): Promise<void> {
	const farm = await Product.make(lab, "vmac_invisible", fast);
	const [first, second] = farm.nodes;
	if (first === undefined || second === undefined) return;
	await farm.stopNode(second);
	await second.powerCut();
	for (let round = 0; round < 2 * plan.rounds; round++) {
		plan.signal.throwIfAborted();
		const filtered = await load(farm, farm.target, plan.seconds);
		await farm.stopNode(first);
		await first.run("rm -f /run/draining; nginx -c /var/safekit/web.conf");
		const without = await load(farm, first.address(), plan.seconds);
		await first.run("nft -f -", { input: firewall });
		const tracked = await load(farm, first.address(), plan.seconds);
		await first.run("nft delete table inet firewall");
		await first.run("nginx -c /var/safekit/web.conf -s quit; while [ -e /run/web.pid ]; do sleep 0.05; done");
		await farm.startNode(first);
		measured.served.push({ filtered, without, tracked });
	}
}

const firewall = `table inet firewall {
	chain input { type filter hook input priority filter; policy drop;
		ct state established,related accept
		iifname "lo" accept
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport { 22, 80, 443 } accept
	}
}
`;

/** Labs that are closed together, also by whoever stops the benchmark. */
class Labs {
	readonly #labs: Lab[] = [];
	readonly #signal: AbortSignal;
	readonly #stop = (): void => void this.close();

	constructor(signal: AbortSignal) {
		this.#signal = signal;
		signal.addEventListener("abort", this.#stop);
	}

	async open(): Promise<Lab> {
		const lab = await Lab.open();
		this.#labs.push(lab);
		this.#signal.throwIfAborted();
		return lab;
	}

	async close(): Promise<void> {
		this.#signal.removeEventListener("abort", this.#stop);
		await Promise.all(this.#labs.map((lab) => lab.close()));
	}
}

async function unable(): Promise<string | null> {
	await ensureDebianPackages(farmPackages, say);
	const missing = await missingForLab();
	if (missing.length > 0) return describeMissing(missing);
	const absent = programs.filter((name) => !hasProgram(name));
	return absent.length === 0 ? null : `not installed: ${absent.join(", ")}`;
}

/** @throws Error saying what is wrong with the arguments. */
function read(args: string[]) {
	const { values } = parseArgs({
		args,
		options: {
			quick: { type: "boolean", default: false },
			only: { type: "string" },
			json: { type: "boolean", default: false },
			help: { type: "boolean", short: "h", default: false },
		},
	});
	const only = values.only?.split(",").map((name) => name.trim()) ?? null;
	const wrong = only?.find((name) => !jobs.some((job) => job.name === name));
	if (wrong !== undefined) throw new Error(`--only ${wrong}: use some of ${jobs.map(({ name }) => name).join(", ")}`);
	return { ...values, only };
}

export async function benchFarm(args: string[]): Promise<number> {
	let options: ReturnType<typeof read>;
	try {
		options = read(args);
	} catch (error) {
		process.stderr.write(`Error: ${(error as Error).message}\n\n${usage}`);
		return 2;
	}
	if (options.help) {
		process.stdout.write(usage);
		return 0;
	}
	const why = process.getuid?.() === 0 ? await unable() : "it needs root";
	if (why !== null) {
		process.stderr.write(`Error: the benchmark cannot run: ${why}\n`);
		return 1;
	}
	const stopped = new AbortController();
	for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stopped.abort());
	const started = performance.now();
	const facts = {
		machine: describeMachine("/var/tmp"),
		commit: commit(join(import.meta.dirname, "../../..")),
		date: new Date().toISOString().slice(0, 10),
		load: loadavg()[0] ?? 0,
	};
	const plan: Plan = { rounds: options.quick ? 1 : 3, seconds: options.quick ? 2 : 4, signal: stopped.signal };
	try {
		const { measured, problems } = await runAll(
			jobs.filter(({ name }) => options.only?.includes(name) ?? true),
			plan,
		);
		const minutes = (performance.now() - started) / 60_000;
		process.stdout.write(`${asText(aims(measured))}\n\n${asText(numbers(measured))}\n`);
		for (const problem of problems) process.stdout.write(`${problem}\n`);
		const text = chapter(measured, { ...facts, minutes, problems });
		if (!options.quick && options.only === null) writeChapter(join(import.meta.dirname, "../RESULTS.md"), "farm", text);
		if (options.json) process.stdout.write(`${JSON.stringify({ farm: measured })}\n`);
		return problems.length === 0 ? 0 : 1;
	} catch (error) {
		if (!stopped.signal.aborted) throw error;
		process.stderr.write("Stopped; nothing is left behind.\n");
		return 130;
	}
}
