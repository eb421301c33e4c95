/**
 * `npm run bench -- checkers`: what many TypeScript checkers cost on one node, how soon the first one runs, and what
 * hostile ones do to the heartbeats. One real daemon with its sandbox; everything is measured from outside.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { addresses, clusterXml, installSource, Server, writeModule } from "../../node/server.ts";
import { devouring } from "../../sandbox/escapes/devouring.ts";
import { exhausting } from "../../sandbox/escapes/exhausting.ts";
import { reaching } from "../../sandbox/escapes/reaching.ts";
import { fileOf } from "../../sandbox/sandbox.fixture.ts";
import { idleCpu, memoryOf, processesOf } from "../modules/load.ts";

const usage = `Usage: npm run bench -- checkers [--count N] [--seconds N] [--json]

Runs N TypeScript checkers at 5 s intervals in ten modules on one node (default 1000, measured for 60 s), then all
checkers of the escape suite beside heartbeats every 20 ms. Needs root and a quiet machine.
`;

const modules = 10;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** One that asks for something in each run, as checkers do. */
const usual = fileOf(
	'return (await ctx.resource("custom.c1")) === null ? down("it is gone") : up();',
	'{ every: "5s", timeout: "4s" }',
);

function serviceOf(mode: string, names: readonly string[]): string {
	const checkers = names.map((name) => `<custom ident="${name}" when="both" exec="checks/${name}.ts"/>`).join("\n");
	return `<service mode="${mode}"><user/><check>${checkers}</check></service>`;
}

function install(server: Server, module: string, checks: Record<string, string>): void {
	const source = writeModule(join(server.folder, module), serviceOf("light", Object.keys(checks)), {
		start_both: "exit 0",
	});
	mkdirSync(join(source, "bin/checks"));
	for (const [name, text] of Object.entries(checks)) writeFileSync(join(source, "bin/checks", `${name}.ts`), text);
	installSource(server, module, source);
	server.ok("config", "-m", module);
}

/** The daemon, and the processes of its sandbox, whose environment is empty. */
function pidsOf(server: Server): number[] {
	const sandboxes = readdirSync("/proc").filter((name) => {
		try {
			return (
				/^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`${server.safevar}/run/sandbox`)
			);
		} catch {
			return false;
		}
	});
	return [...new Set([...processesOf(server.safevar), ...sandboxes.map(Number)])];
}

/** Milliseconds between two lines of the module's log. */
function between(log: string, from: RegExp, to: RegExp): number {
	const at = (pattern: RegExp): number => {
		const line = log.split("\n").findLast((each) => pattern.test(each)) ?? "";
		const [, date = "", micros = "0"] = /^\| ([\d-]+ [\d:]+)\.(\d+)/.exec(line) ?? [];
		return Date.parse(date) + Number(micros) / 1000;
	};
	return at(to) - at(from);
}

async function firstRuns(server: Server): Promise<number[]> {
	install(server, "first", { c1: usual });
	await sleep(3000);
	const found: number[] = [];
	for (let round = 0; round < 5; round++) {
		server.ok("start", "-m", "first");
		await server.until(() => server.ok("get", "-m", "first", "-r", "custom.c1").trim() === "up");
		found.push(between(server.log("first"), /Local state UP Ready/, /custom\.c1 set to up/));
		server.ok("stop", "-m", "first");
		server.ok("waitstop", "-m", "first");
	}
	return found.sort((a, b) => a - b);
}

interface Cost {
	cpuPercent: number;
	pssMb: number;
	rssMb: number;
	startedS: number;
}

async function costOf(server: Server, count: number, seconds: number, signal: AbortSignal): Promise<Cost> {
	const each = Math.ceil(count / modules);
	const names = Array.from({ length: modules }, (_, index) => `m${index}`);
	for (const module of names)
		install(server, module, Object.fromEntries(Array.from({ length: each }, (_, index) => [`c${index + 1}`, usual])));
	const from = performance.now();
	for (const module of names) server.ok("start", "-m", module);
	const isUp = (module: string): boolean => server.ok("get", "-m", module, "-r", `custom.c${each}`).trim() === "up";
	await server.until(() => names.every(isUp), 120);
	const startedS = (performance.now() - from) / 1000;
	await sleep(15_000, undefined, { signal });
	const pids = pidsOf(server);
	const cpuPercent = await idleCpu(pids, seconds, signal);
	const { pssMb, rssMb } = memoryOf(pids);
	for (const module of names) server.ok("stop", "-m", module);
	for (const module of names) server.ok("waitstop", "-m", module);
	return { cpuPercent, pssMb, rssMb, startedS };
}

interface Gaps {
	/** Longest silence between two pulses, and the one that a tenth of a percent exceeds. */
	worstMs: number;
	p999Ms: number;
}

/** Pulses every 20 ms, first alone, then beside all hostile checkers. */
async function heartbeats(server: Server, seconds: number): Promise<{ control: Gaps; hostile: Gaps; count: number }> {
	const service = `<service mode="mirror"><heart pulse="20ms" timeout="5s"><heartbeat name="default"/></heart><user/></service>`;
	installSource(server, "beat", writeModule(join(server.folder, "beat"), service, { start_prim: "exit 0" }));
	server.ok("config", "-m", "beat");
	const modules = JSON.parse(server.ok("state", "--json")).modules as { name: string; id: number }[];
	const port = 8888 + (modules.find(({ name }) => name === "beat")?.id ?? 1) - 1;
	const listener = new Worker(new URL("./pulses.ts", import.meta.url), { workerData: { address: addresses[1], port } });
	const listen = async (): Promise<Gaps> => {
		const ask = (): Promise<number[]> =>
			new Promise((resolve) => {
				listener.once("message", resolve);
				listener.postMessage("gaps");
			});
		await ask();
		await sleep(seconds * 1000);
		const gaps = (await ask()).sort((a, b) => a - b);
		return { worstMs: gaps.at(-1) ?? Number.NaN, p999Ms: gaps[Math.floor(gaps.length * 0.999)] ?? Number.NaN };
	};
	server.ok("prim", "-m", "beat");
	await sleep(5000);
	const control = await listen();
	const all = [...reaching, ...exhausting, ...devouring].filter(({ does }) => typeof does === "string");
	install(
		server,
		"hostile",
		Object.fromEntries(
			all.map(({ does }, index) => [`h${index}`, fileOf(does as string, '{ every: "1s", timeout: "5s" }')]),
		),
	);
	server.ok("start", "-m", "hostile");
	const hostile = await listen();
	server.ok("stop", "-m", "hostile");
	await listener.terminate();
	return { control, hostile, count: all.length };
}

export async function benchCheckers(args: string[]): Promise<number> {
	const { values } = parseArgs({
		args,
		options: {
			count: { type: "string", default: "1000" },
			seconds: { type: "string", default: "60" },
			json: { type: "boolean" },
			help: { type: "boolean", short: "h" },
		},
	});
	const [count, seconds] = [Number(values.count), Number(values.seconds)];
	if (values.help || !(count >= 1 && count <= 4000 && seconds >= 1)) {
		(values.help ? process.stdout : process.stderr).write(usage);
		return values.help ? 0 : 2;
	}
	const stopped = new AbortController();
	for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopped.abort());
	const undo: (() => void | Promise<void>)[] = [];
	try {
		const server = new Server({ teardown: (action) => void undo.push(action as () => Promise<void>) }, "n1");
		server.setup("setup");
		await server.start();
		writeFileSync(join(server.folder, "cluster.xml"), clusterXml);
		server.ok("cluster", "config", join(server.folder, "cluster.xml"));
		say("how soon the first one runs …");
		const first = await firstRuns(server);
		say(`${count} checkers in ${modules} modules: configuring, starting, ${seconds} s …`);
		const cost = await costOf(server, count, seconds, stopped.signal);
		say("hostile ones beside heartbeats …");
		const beats = await heartbeats(server, Math.min(seconds, 60));
		process.stdout.write(
			[
				`First run after the module is UP: median ${first[first.length >> 1]?.toFixed(0)} ms, at most ${first.at(-1)?.toFixed(0)} ms (aim: 100)`,
				`${count} checkers every 5 s, one call each: ${cost.cpuPercent.toFixed(1)} % of a core (aim: 5), ${cost.pssMb.toFixed(0)} MB proportional, ${cost.rssMb.toFixed(0)} MB resident (aim: 500), daemon and all; all had run ${cost.startedS.toFixed(1)} s after their start`,
				`Pulses every 20 ms: longest silence ${beats.control.worstMs.toFixed(0)} ms without, ${beats.hostile.worstMs.toFixed(0)} ms with ${beats.count} hostile checkers every second (aim: at most 50 ms more); 99.9 %: ${beats.control.p999Ms.toFixed(1)} and ${beats.hostile.p999Ms.toFixed(1)} ms`,
				"",
			].join("\n"),
		);
		if (values.json) process.stdout.write(`${JSON.stringify({ first, cost, beats })}\n`);
		return 0;
	} finally {
		for (const action of undo.reverse()) await action();
	}
}
