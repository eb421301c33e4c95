/**
 * The clients' side of a farm in a lab: one server of the lab with many addresses, on whose cable everything is
 * captured that servers answer. What runs there runs in its network only: it uses this machine's files.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";
import type { DnsPlan } from "./dnsMeter.ts";
import { readFrames } from "./frames.ts";
import { judge, type Verdict } from "./judge.ts";
import type { ClientReport, MeterPlan, Report } from "./meter.ts";

/** Hosts of the lab's network that are clients: 60 addresses of each family. */
const clientsFrom = 150;
export const clientCount = 60;
const programEndsWithinMs = 120_000;
/** The kernel hands captured frames over in blocks, which it closes after a second; what is in an open one gets lost. */
const handedOverMs = 1500;

export class Clients {
	readonly node: LabNode;
	readonly #lab: Lab;
	readonly #firstHost: number;
	readonly #count: number;
	readonly #children = new Set<ChildProcess>();

	private constructor(lab: Lab, node: LabNode, firstHost: number, count: number) {
		this.#lab = lab;
		this.node = node;
		this.#firstHost = firstHost;
		this.#count = count;
	}

	/** `count` more addresses of each family, from `firstHost` on; at most 100. */
	static async make(lab: Lab, count = clientCount, name = "clients", firstHost = clientsFrom): Promise<Clients> {
		const clients = new Clients(lab, await lab.node(name), firstHost, count);
		const lines = Array.from({ length: count }, (_, index) => firstHost + index).flatMap((host) => [
			`addr add ${lab.address(host)}/24 dev eth0`,
			`addr add ${lab.address6(host)}/64 nodad dev eth0`,
		]);
		// Else all of them answer for each other's addresses with whatever source the kernel likes best.
		await clients.node.run("ip -batch -", { input: `${lines.join("\n")}\n` });
		return clients;
	}

	/** Addresses of clients, of the family of `target`. */
	sources(target: string, count = this.#count): string[] {
		const address = (host: number): string =>
			target.includes(":") ? this.#lab.address6(host) : this.#lab.address(host);
		return Array.from({ length: count }, (_, index) => address(this.#firstHost + index));
	}

	/** Each client asks `times` times over a new connection. Returns what each got. */
	async askEach(target: string, times = 1, port = 80, sources = this.sources(target)): Promise<Report> {
		const plan: MeterPlan = { target, port, sources, mode: "new", everyMs: 50, answerMs: 15_000, times };
		const said = await this.#program("meter.ts", [], `${JSON.stringify(plan)}\n`);
		return JSON.parse(said) as Report;
	}

	/** Starts a meter that goes on until it is stopped. */
	meter(plan: Omit<MeterPlan, "port" | "times">): Meter {
		const child = this.#spawn("meter.ts", []);
		child.stdin?.write(`${JSON.stringify({ port: 80, times: 0, ...plan })}\n`);
		return new Meter(child);
	}

	/** Each client asks the name server `times` times. Returns, by client and question, all texts that came back. */
	async askNames(plan: Omit<DnsPlan, "sources">): Promise<string[][][]> {
		const whole: DnsPlan = { ...plan, sources: this.sources(plan.target) };
		return JSON.parse(await this.#program("dnsMeter.ts", [JSON.stringify(whole)], "")) as string[][][];
	}

	/** Captures what goes to and comes from `addresses`, until the returned function is called, which judges it. */
	async capture(addresses: string[], servers: Record<string, string>): Promise<() => Promise<Verdict>> {
		const name = `capture-${performance.now().toFixed(0)}.pcap`;
		const filter = `(tcp or udp) and (${addresses.map((address) => `host ${address}`).join(" or ")})`;
		const options = ["-i", "eth0", "-n", "-s", "96", "-B", "65536", "-U", "-Z", "root", "-w", `/var/safekit/${name}`];
		const child = this.#inNode("tcpdump", [...options, filter], true);
		let said = "";
		child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
		await this.#lab.until("the capture begins", 15_000, () => said.includes("listening on"));
		return async () => {
			await sleep(handedOverMs);
			const ended = once(child, "exit");
			child.kill("SIGINT");
			await ended;
			const dropped = Number(/(\d+) packets? dropped by kernel/.exec(said)?.[1] ?? 0);
			if (dropped > 0) throw new Error(`the capture lost ${dropped} frames: it proves nothing`);
			return judge(readFrames(readFileSync(join(this.node.disk("/var/safekit"), name))), servers, addresses);
		};
	}

	/** Runs a program of this machine in the clients' network, and returns what it printed. Throws when it fails. */
	async run(program: string, args: string[]): Promise<string> {
		return outputOf(this.#inNode(program, args, false), program);
	}

	/** Ends whatever still runs. */
	stop(): void {
		for (const child of this.#children) child.kill("SIGKILL");
	}

	async #program(file: string, args: string[], input: string): Promise<string> {
		const child = this.#spawn(file, args);
		child.stdin?.write(input);
		return outputOf(child, file);
	}

	#spawn(file: string, args: string[]): ChildProcess {
		return this.#inNode(process.execPath, ["--no-warnings", join(import.meta.dirname, file), ...args], false);
	}

	/** `inRoot`: with the files of the clients' server. Without, with this machine's. */
	#inNode(program: string, args: string[], inRoot: boolean): ChildProcess {
		const where = inRoot ? ["-m", "-n", "-r", "-w"] : ["-n"];
		const child = spawn("nsenter", ["-t", String(this.node.pid), ...where, program, ...args], {
			stdio: ["pipe", "pipe", "pipe"],
			env: { ...process.env, FORCE_COLOR: "0" },
		});
		this.#children.add(child);
		child.on("exit", () => this.#children.delete(child));
		child.stdin.on("error", () => {});
		return child;
	}
}

/** A meter that runs. */
export class Meter {
	readonly #child: ChildProcess;
	readonly #waiting: ((report: Report) => void)[] = [];
	readonly #ended: Promise<never>;

	constructor(child: ChildProcess) {
		this.#child = child;
		let said = "";
		child.stderr?.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-10_000)));
		createInterface({ input: child.stdout! }).on("line", (line) => this.#waiting.shift()?.(JSON.parse(line)));
		this.#ended = once(child, "exit").then(() => {
			throw new Error(`the meter ended: ${said}`);
		});
		this.#ended.catch(() => {});
	}

	/** What happened since the last report. */
	async report(): Promise<Report> {
		const { promise, resolve } = Promise.withResolvers<Report>();
		this.#waiting.push(resolve);
		this.#child.stdin?.write("report\n");
		return Promise.race([promise, this.#ended]);
	}

	async stop(): Promise<void> {
		if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
		const exit = once(this.#child, "exit");
		this.#child.stdin?.end();
		await exit;
	}
}

/** Failed requests in all. */
export function failuresOf(report: Report): number {
	return Object.values(report.failed).reduce((sum, count) => sum + count, 0);
}

/** Longest time without an answer, over the clients that `which` names. */
export function worstGap(report: Report, which: (client: ClientReport) => boolean = () => true): number {
	return Math.max(0, ...report.clients.filter(which).map(({ gapMs }) => gapMs));
}

async function outputOf(child: ChildProcess, what: string): Promise<string> {
	let [out, err] = ["", ""];
	child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
	child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
	const timer = setTimeout(() => child.kill("SIGKILL"), programEndsWithinMs);
	const [code] = await once(child, "close");
	clearTimeout(timer);
	if (code !== 0) throw new Error(`${what} ended with ${code}: ${err}`);
	return out;
}
