/**
 * Two servers with several modules, each with a directory of its own and, on its primary, an application whose every
 * step fails when it is done twice or not at all (chores.ts). Nothing of it runs in scripts of the module: a restart of
 * the application would hide what it suffered.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../../../sdk/lab/lab.ts";
import { checkoutInNode, type LabNode } from "../../../sdk/lab/node.ts";
import type { ChoresReport } from "../../replication/chores.ts";
import { compareTrees } from "../../replication/treeCompare.ts";
import { Mirror, nodeInNode, safekit } from "../scenarios/mirror.ts";

const choresMs = 60 * 60_000;
/** Between rounds of the chores: there are two cores for all. */
const choresPauseMs = 20;
const withinMs = 120_000;
const mostLogChars = 200_000;
/** Long enough that no death of a process is taken for the death of its server. */
const heart = '<heart pulse="500ms" timeout="10s"><heartbeat name="default"/></heart>';

export class Fleet {
	readonly nodes: [LabNode, LabNode];
	readonly modules: FleetModule[];

	private constructor(nodes: [LabNode, LabNode], modules: FleetModule[]) {
		this.nodes = nodes;
		this.modules = modules;
	}

	/** Every module in service, its applications at work. @param sabotage a rule that is switched off. */
	static async begin(lab: Lab, count: number, sabotage?: string): Promise<Fleet> {
		const names = Array.from({ length: count }, (_, n) => `m${n + 1}`);
		const env = sabotage === undefined ? {} : { env: { OPENSAFE_SABOTAGE: sabotage } };
		const boot = (name: string) => lab.node(name, { ...env, keep: names.map(directoryOf) });
		const nodes: [LabNode, LabNode] = [await boot("n1"), await boot("n2")];
		const mirrors = names.map((name) => new Mirror(lab, nodes, name));
		await mirrors[0]?.setUpCluster(lab.lanCount);
		const modules: FleetModule[] = [];
		for (const mirror of mirrors) {
			const dir = directoryOf(mirror.module);
			const content = `<safe><service mode="mirror" boot="on">${heart}<rfs><replicated dir="${dir}"/></rfs></service></safe>`;
			await mirror.install([{ path: "conf/userconfig.xml", content, mode: 0o644 }]);
			await mirror.start();
			modules.push(new FleetModule(mirror));
		}
		for (const module of modules) await module.work();
		return new Fleet(nodes, modules);
	}
}

const directoryOf = (module: string): string => `/data-${module}`;

export class FleetModule {
	readonly mirror: Mirror;
	/** The place of the application, and the other one. */
	primary: LabNode;
	secondary: LabNode;
	/** The secondary's module is stopped. */
	isAlone = false;
	#chores: Promise<ChoresReport> | null = null;
	#rounds = 0;

	constructor(mirror: Mirror) {
		this.mirror = mirror;
		[this.primary, this.secondary] = mirror.nodes;
	}

	get name(): string {
		return this.mirror.module;
	}

	/** The socket of its replication, which its holder is known by. */
	get socket(): string {
		return `/var/safekit/run/rfs-${this.name}.sock`;
	}

	/** What the application has printed, on its server. */
	get #printed(): string {
		return `/run/began-${this.name}`;
	}

	/** The application begins, in a directory of its own. */
	async work(): Promise<void> {
		const [stop, began] = [`/run/stop-${this.name}`, this.#printed];
		const words = `${directoryOf(this.name)} ${this.primary.name}-${++this.#rounds} ${choresPauseMs}`;
		const program = `${nodeInNode} --no-warnings ${checkoutInNode}/test/replication/chores.ts ${words}`;
		const ended = `(until [ -e ${stop} ]; do sleep 0.2; done; echo)`;
		const command = `rm -f ${stop} ${began}; ${ended} | ${program} | tee ${began}`;
		const { primary } = this;
		this.#chores = primary.attempt(command, { timeoutMs: choresMs }).then(({ stdout, stderr }) => {
			const last = stdout.trim().split("\n").at(-1) ?? "";
			if (!last.startsWith("{")) throw new Error(`the application ended: ${stdout}${stderr}`);
			return JSON.parse(last) as ChoresReport;
		});
		this.#chores.catch(() => {});
		await this.mirror.lab.until("the application works", withinMs, async () => {
			return (await primary.read(began))?.includes("started");
		});
	}

	/** Whether something has gone wrong for the application, which says so at once. */
	async noticed(): Promise<boolean> {
		return (await this.primary.read(this.#printed))?.includes("\nwrong\n") === true;
	}

	/** Ends the application. What it says of its steps. */
	async rest(): Promise<ChoresReport> {
		await this.primary.run(`touch /run/stop-${this.name}`);
		const report = await this.#chores!;
		this.#chores = null;
		return report;
	}

	/** The application must be at rest. What was received is applied a moment later. */
	async differences(): Promise<string[]> {
		const dirs = this.mirror.nodes.map((node) => node.disk(directoryOf(this.name))) as [string, string];
		let found: string[] = [];
		for (let n = 0; n < 60; n++) {
			for (const node of this.mirror.nodes) await node.run(`sync -f ${directoryOf(this.name)}`);
			found = compareTrees(...dirs);
			if (found.length === 0) break;
			await sleep(500);
		}
		return found;
	}

	/** The other server becomes the primary. The application must be at rest. */
	async swap(): Promise<void> {
		await this.#until("swap", async () => {
			// A daemon that died before it could answer has taken the order down, and carries it out after its start.
			if ((await this.mirror.state(this.primary)).state === "SECOND") return true;
			await this.primary.run(`${safekit} swap -m ${this.name}`, { timeoutMs: withinMs });
			return true;
		});
		[this.primary, this.secondary] = [this.secondary, this.primary];
		await this.serving();
	}

	async stopSecond(): Promise<void> {
		await this.#order(this.secondary, "stop");
		this.isAlone = true;
		await this.#until("STOP", async () => (await this.mirror.state(this.secondary)).state === "STOP");
		await this.serving();
	}

	async startSecond(): Promise<void> {
		await this.#order(this.secondary, "start");
		this.isAlone = false;
		await this.serving();
	}

	/** Both servers have their places, and the secondary is up to date; alone, the primary serves. */
	async serving(): Promise<void> {
		// Twice: what has just happened may not have been heard of everywhere.
		let seen = 0;
		await this.#until("service", async () => {
			const states = [await this.mirror.state(this.primary), await this.mirror.state(this.secondary)] as const;
			const words = states.map(({ state, status }) => `${state} ${status}`).join(", ");
			const isThere = words === (this.isAlone ? "ALONE Ready, STOP NotReady" : "PRIM Ready, SECOND Ready");
			if (states.some(({ why }) => why.includes("I/O errors"))) throw new Error(`degraded: ${words}`);
			// While alone it is ready also when changes wait for the new process.
			const heals = states.some(({ why }) => why.includes("a new one takes over"));
			seen = isThere && !heals ? seen + 1 : 0;
			if (!isThere || heals) throw new Error(`${words}; ${states.map(({ why }) => why).join("; ")}`);
			return seen > 1;
		});
	}

	/** The ends of both module logs and of what both daemons printed, for a failure. */
	async logs(): Promise<string> {
		const logs = this.mirror.nodes.map(async (node) => {
			const printed = readFileSync(node.serviceLog("safeadmin"), "utf8").slice(-mostLogChars / 4);
			return `-- ${node.name}\n${printed}\n${(await this.mirror.log(node).catch(() => "no log")).slice(-mostLogChars)}`;
		});
		return (await Promise.all(logs)).join("\n");
	}

	#until(what: string, check: () => Promise<boolean>): Promise<boolean> {
		return this.mirror.lab.until(`${what} of ${this.name}`, withinMs, check);
	}

	/** As a person gives it: the command itself waits for a daemon that is just being started. */
	async #order(node: LabNode, word: string): Promise<void> {
		await this.#until(word, async () => {
			await node.run(`${safekit} ${word} -m ${this.name}`, { timeoutMs: withinMs });
			return true;
		});
	}
}
