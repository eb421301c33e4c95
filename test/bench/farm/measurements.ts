/** What is measured on every contender, from its clients. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { LabNode } from "../../../sdk/lab/node.ts";
import { failuresOf, worstGap } from "../../lab/farm/clients.ts";
import type { Report } from "../../lab/farm/meter.ts";
import type { Contender } from "./contender.ts";

/** Clients of the lost server that are watched, a new connection every so many milliseconds each. */
const probes = 8;
const probeEveryMs = 10;
/** Clients that hold a connection, and the time between two requests of one. */
const keepers = 200;
const keepEveryMs = 25;
const settleMs = 1500;

export interface Lost {
	/** From the last answer of the lost server to the first of another one, of the client that waited longest. */
	gapMs: number;
}

export interface Planned {
	/** Longest time without an answer, beyond the time between two requests. */
	gapMs: number;
	/** The same before, while nothing happens: what the machine does. */
	calmGapMs: number;
	/** Connections that were reset or ended, in the middle of a request or idle. */
	resets: number;
	/** Requests without an answer in 5 s, or refused. */
	failed: number;
}

export interface Throughput {
	perSecond: number;
	/** Processor time of the whole machine, wrk included. */
	cores: number;
}

/** The server loses power while its clients ask. */
export async function loseServer(contender: Contender, node: LabNode, waitMs: number): Promise<Lost> {
	const { clients, target } = contender;
	const asked = await clients.askEach(target);
	const sources = asked.clients.filter(({ last }) => last === node.name).map(({ source }) => source);
	if (sources.length === 0) throw new Error(`no client is answered by ${node.name}`);
	const plan = { mode: "new", everyMs: probeEveryMs, answerMs: 300 } as const;
	const meter = clients.meter({ target, sources: sources.slice(0, probes), ...plan });
	try {
		await sleep(settleMs);
		await meter.report();
		await node.powerCut();
		await sleep(waitMs);
		const gapMs = worstGap(await meter.report());
		if (gapMs >= waitMs - 100) throw new Error(`the clients of ${node.name} are not answered again in ${waitMs} ms`);
		return { gapMs };
	} finally {
		await meter.stop();
	}
}

/** The server is stopped, and started again, while everyone asks over connections that stay. */
export async function stopAndReturn(contender: Contender, node: LabNode): Promise<{ stop: Planned; back: Planned }> {
	const { clients, target } = contender;
	const some = clients.sources(target);
	const sources = Array.from({ length: keepers }, (_, index) => some[index % some.length]!);
	const meter = clients.meter({ target, sources, mode: "keep", everyMs: keepEveryMs, answerMs: 5000 });
	try {
		await sleep(settleMs);
		await meter.report();
		await sleep(settleMs);
		const calmGapMs = gapOf(await meter.report());
		await contender.stopNode(node);
		await sleep(settleMs);
		const stop = planned(await meter.report(), calmGapMs);
		await contender.startNode(node);
		await sleep(settleMs);
		return { stop, back: planned(await meter.report(), calmGapMs) };
	} finally {
		await meter.stop();
	}
}

function planned(report: Report, calmGapMs: number): Planned {
	const { ECONNRESET = 0, ended = 0 } = report.failed;
	const resets = ECONNRESET + ended + report.idleResets;
	return { gapMs: gapOf(report), calmGapMs, resets, failed: failuresOf(report) - ECONNRESET - ended };
}

function gapOf(report: Report): number {
	return Math.max(0, worstGap(report) - keepEveryMs);
}

/** One client with many connections, as fast as it goes. */
export async function load(contender: Contender, target: string, seconds: number): Promise<Throughput> {
	const [busy, from] = [busyMs(), performance.now()];
	const args = ["-t1", "-c100", `-d${seconds}s`, "--timeout", "5s", `http://${target}/`];
	const said = await contender.clients.run("wrk", args);
	const cores = (busyMs() - busy) / (performance.now() - from);
	const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(said)?.[1]);
	const errors = /Socket errors: .*|Non-2xx.*/.exec(said)?.[0];
	if (!(perSecond > 0) || errors !== undefined) throw new Error(`wrk: ${errors ?? said}`);
	return { perSecond, cores };
}

/** Processor time that this machine has spent, all processors together; interrupts included. */
function busyMs(): number {
	const [, user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8").split("\n")[0]!.split(/\s+/);
	const ticks = [user, nice, system, irq, softirq].reduce((sum, text) => sum + Number(text), 0);
	return ticks * 10;
}
