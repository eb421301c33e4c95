/**
 * A running mirror that something is done to, again and again. After each blow only `safekit stop` and `safekit start`
 * are given, as a person would; then both servers must be in service again with every acknowledged write.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../../../sdk/demo/client.ts";
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";
import { Random } from "../../simulation/random.ts";
import { data, Mirror, type MirrorOptions } from "../scenarios/mirror.ts";
import type { Blow } from "./blows.ts";

const withinMs = 90_000;
const maxLogChars = 6000;
const options: MirrorOptions = { timeout: "1s", pulse: "100ms" };

/** Where a blow falls, when the mirror is in service. `alone`: the module is stopped on the other server. */
export type Place = "PRIM" | "SECOND" | "ALONE";

export class Ordeal {
	readonly mirror: Mirror;
	readonly client: Client;
	readonly random: Random;

	private constructor(mirror: Mirror, seed: number) {
		this.mirror = mirror;
		this.client = new Client(mirror.url);
		this.random = new Random(seed);
	}

	/** Two servers in service, and a client that writes from now on. */
	static async begin(lab: Lab, seed: number): Promise<Ordeal> {
		const ordeal = new Ordeal(await Mirror.make(lab, options), seed);
		await ordeal.mirror.start();
		ordeal.client.start(2);
		await ordeal.#written();
		return ordeal;
	}

	/** Lets a blow fall, does what a person would do, and waits for service. Returns how long that took, in milliseconds. */
	async suffer(blow: Blow): Promise<number> {
		const { node, other } = await this.at(blow.place);
		await this.pause(700);
		await blow.strike(this, node, other);
		await this.pause(1500);
		const from = performance.now();
		try {
			await (blow.afterwards ?? ((ordeal) => ordeal.stopAndStart(node)))(this, node, other);
			await this.recovered();
		} catch (error) {
			const logs = await Promise.all(this.mirror.nodes.map((each) => this.mirror.log(each).catch(() => "no log")));
			const tails = logs.map((log, index) => `-- ${this.mirror.nodes[index]?.name}\n${log.slice(-maxLogChars)}`);
			throw new Error(`${blow.title} (on ${node.name}): ${(error as Error).message}\n${tails.join("\n")}`);
		}
		return Math.round(performance.now() - from);
	}

	/** Waits between 0 and `ms` milliseconds, so that the next thing comes at a moment that the seed chooses. */
	async pause(ms: number): Promise<void> {
		await sleep(this.random.between(0, ms));
	}

	/** The server in this role and the other one. For ALONE the module is stopped on the other one first. */
	async at(place: Place): Promise<{ node: LabNode; other: LabNode }> {
		const [n1, n2] = this.mirror.nodes;
		const { state } = await this.mirror.state(n1);
		const prim = state === "PRIM" ? n1 : n2;
		const second = state === "PRIM" ? n2 : n1;
		if (place === "SECOND") return { node: second, other: prim };
		if (place === "ALONE") {
			await this.stop(second);
			await this.mirror.until(prim, "ALONE Ready", withinMs);
		}
		return { node: prim, other: second };
	}

	/** `safekit stop`, and its end. */
	async stop(node: LabNode): Promise<void> {
		await this.mirror.command(node, "stop");
		await this.mirror.until(node, "STOP NotReady", withinMs);
	}

	/** What a person does with a server that is in trouble. */
	async stopAndStart(node: LabNode): Promise<void> {
		await this.stop(node);
		await this.mirror.command(node, "start");
	}

	/**
	 * The replication process died under an application that runs: the module must say so, with the command that
	 * ends it, and the application must not be able to change anything meanwhile.
	 */
	async degraded(node: LabNode): Promise<void> {
		const { mirror } = this;
		// It is ALONE Ready too while a new process is tried.
		await mirror.lab.until("the state names the command", withinMs, async () => {
			const { state, status, why } = await mirror.state(node);
			if (`${state} ${status}` === "ALONE Ready" && why.includes("safekit stop")) return true;
			throw new Error(`${state} ${status}: ${why}`);
		});
		const touched = await node.attempt(`touch ${data}/by-hand`);
		if (touched.code === 0) throw new Error("a change was possible beside the replication");
	}

	/** Both servers in service, clients served, nothing lost, the same files on both. Then the client writes on. */
	async recovered(): Promise<void> {
		const { mirror, client } = this;
		await mirror.lab.until("one server is PRIM Ready, the other SECOND Ready", withinMs, async () => {
			const states: string[] = [];
			for (const node of mirror.nodes) {
				const { state, status, why } = await mirror.state(node);
				states.push(`${state} ${status}`, why);
				// Blows that come fast are the fourth death within a minute: the documented degraded mode says what to do.
				if (state === "ALONE" && why.includes("Run safekit stop")) await this.stopAndStart(node);
			}
			const [first, , second] = states;
			if ([first, second].sort().join() !== "PRIM Ready,SECOND Ready") throw new Error(states.join("; "));
			return true;
		});
		await this.#written();
		await client.stop();
		const lost = await client.lostWrites();
		if (lost !== 0) throw new Error(`${lost} of ${client.acknowledgedWrites} acknowledged writes are missing`);
		const [n1, n2] = mirror.nodes;
		// The application may still work off what clients have given up.
		await mirror.lab.until("both servers have the same files", 20_000, async () => {
			const [files1, files2] = [await this.#files(n1), await this.#files(n2)];
			if (files1 !== files2) throw new Error(`\n${files1}\n--\n${files2}`);
			return true;
		});
		const holders = await mirror.holders();
		if (holders.length !== 1) throw new Error(`the virtual address is on ${holders.join(" and ") || "no server"}`);
		client.start(2);
	}

	async end(): Promise<void> {
		await this.client.stop();
	}

	/** Pids of processes of the node whose command line has `text`. */
	async pids(node: LabNode, text: string): Promise<number[]> {
		const { stdout } = await node.attempt(`pgrep -f '${text}'`);
		return stdout.split("\n").filter(Boolean).map(Number);
	}

	async #written(): Promise<void> {
		await this.client.nextAfter(performance.now(), withinMs);
	}

	#files(node: LabNode): Promise<string> {
		return node.run(`cd ${data} && find . -type f -exec sha256sum {} + | sort -k 2`);
	}
}
