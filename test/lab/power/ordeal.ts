/**
 * A mirror on disks that lose what was not flushed. Power is cut at random moments; then the mirror must come back by
 * itself, everything that was promised must be there, and both servers must hold the same.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";
import { Random } from "../../simulation/random.ts";
import { data, Mirror } from "../scenarios/mirror.ts";
import { PowerClient, type Promised } from "./client.ts";
import { VolatileDisk } from "./volatileDisk.ts";

const diskMegabytes = 400;
const recoveryMs = 120_000;
/** How long killed processes may wait for a disk that does not answer. */
const dyingMs = 300;
/** What nobody writes to while it runs, and no copy but the first may compare. */
const cold = { directories: 20, filesEach: 20 };
/** Two checkpoints: marks that nobody used are gone by then. */
const settleMs = 12_000;

export const cuts = ["primary", "secondary", "both", "secondary in its resync", "primary in a resync"] as const;
export type Cut = (typeof cuts)[number];

export class PowerOrdeal {
	readonly mirror: Mirror;
	readonly random: Random;
	/** What the copies after the last cut took and compared. */
	copied = "";
	readonly #client: PowerClient;
	readonly #disks: Map<string, VolatileDisk>;
	/** How many copies each server's log tells of. */
	readonly #told = new Map<string, number>();

	private constructor(mirror: Mirror, random: Random, disks: Map<string, VolatileDisk>) {
		this.mirror = mirror;
		this.random = random;
		this.#disks = disks;
		this.#client = new PowerClient(mirror.vip, random);
	}

	/** Two servers in service under load. @param sabotage of OPENSAFE_SABOTAGE: a rule that is switched off. */
	static async begin(
		lab: Lab,
		seed: number,
		options: { async?: string; sabotage?: string } = {},
	): Promise<PowerOrdeal> {
		const disks = new Map<string, VolatileDisk>();
		for (const name of ["n1", "n2"]) {
			const folder = join(lab.folder, `disk-${name}`);
			mkdirSync(folder);
			disks.set(name, await VolatileDisk.make(folder, diskMegabytes));
		}
		const mirror = await Mirror.make(lab, {
			timeout: "1s",
			pulse: "100ms",
			app: "test/lab/power/app.ts",
			rfs: `async="${options.async ?? "second"}"`,
			device: (name) => disks.get(name)!.powerOn(),
			...(options.sabotage === undefined ? {} : { env: { OPENSAFE_SABOTAGE: options.sabotage } }),
		});
		const ordeal = new PowerOrdeal(mirror, new Random(seed), disks);
		const make = `mkdir -p c$d && for f in $(seq ${cold.filesEach}); do echo $d $f > c$d/f$f; done`;
		await mirror.nodes[0].run(`cd ${data} && for d in $(seq ${cold.directories}); do ${make}; done`);
		await mirror.start();
		ordeal.#client.start();
		await ordeal.#client.more(50, recoveryMs);
		await sleep(settleMs);
		await ordeal.#copies();
		return ordeal;
	}

	get acknowledged(): number {
		return this.#client.acknowledged;
	}

	/**
	 * One cut, the way back to service, and what is wrong then: what is missing, what differs on the two servers, and
	 * copies that compared what no mark can name.
	 */
	async suffer(cut: Cut): Promise<string[]> {
		const { primary, secondary } = await this.#roles();
		await this.#client.more(this.random.between(1, 150), recoveryMs);
		await this.#pause(1500);
		const promised = await this.#strike(cut, primary, secondary);
		await this.#inService();
		await this.#client.more(20, recoveryMs);
		await this.#client.stop();
		const missing = await this.#client.check(promised);
		const different = missing.length > 0 ? [] : await this.#different();
		this.#client.start();
		const copies = await this.#copies();
		this.copied = copies.map(({ text }) => text).join(", ");
		const tooWide = copies.filter(({ directories, files }) => directories > 10 || files > cold.filesEach * 10);
		return [...missing, ...different, ...tooWide.map(({ text }) => `more than what was marked: ${text}`)];
	}

	/** What the servers' logs say of the copies since it was called last. */
	async #copies(): Promise<{ text: string; files: number; directories: number }[]> {
		const copies: { text: string; files: number; directories: number }[] = [];
		for (const node of this.mirror.nodes) {
			const pattern = /Copied <(.*?(\d+) files and \d+ bytes compared in (\d+) directories.*?)>/g;
			const all = [...(await this.mirror.log(node)).matchAll(pattern)];
			for (const [, text = "", files, directories] of all.slice(this.#told.get(node.name) ?? 0)) {
				copies.push({ text, files: Number(files), directories: Number(directories) });
			}
			this.#told.set(node.name, all.length);
		}
		return copies;
	}

	/** The logs of both servers, for a failure. */
	async logs(): Promise<string> {
		const logs = this.mirror.nodes.map((node) => this.mirror.log(node).catch(() => "no log"));
		return (await Promise.all(logs)).map((log, index) => `-- n${index + 1}\n${log.slice(-6000)}`).join("\n");
	}

	async end(): Promise<void> {
		await this.#client.stop();
		for (const node of this.mirror.nodes) if (node.isOn) await this.#cut(node);
		for (const disk of this.#disks.values()) await disk.powerOff();
	}

	async #strike(cut: Cut, primary: LabNode, secondary: LabNode): Promise<Promised> {
		switch (cut) {
			case "primary":
				await this.#cut(primary);
				await this.mirror.until(secondary, "ALONE Ready", recoveryMs);
				await this.#pause(1500);
				await this.mirror.powerOn(primary);
				return "acknowledged";
			case "secondary":
				await this.#cut(secondary);
				await this.mirror.until(primary, "ALONE Ready", recoveryMs);
				await this.#pause(1500);
				await this.mirror.powerOn(secondary);
				return "acknowledged";
			case "both": {
				const [first, second] = this.random.chance(0.5) ? [primary, secondary] : [secondary, primary];
				await this.#cut(first);
				await this.#pause(this.random.chance(0.5) ? 0 : 3000);
				await this.#cut(second);
				this.#client.allDown();
				const [early, late] = this.random.chance(0.5) ? [first, second] : [second, first];
				await this.mirror.powerOn(early);
				await this.#pause(1500);
				await this.mirror.powerOn(late);
				return "synced";
			}
			default:
				// The one that goes on syncs what was acknowledged until now, and nobody else does.
				this.#client.keeperSynced();
				this.#client.syncs = false;
				await this.#cut(secondary);
				await this.mirror.until(primary, "ALONE Ready", recoveryMs);
				await this.#client.more(30, recoveryMs);
				await this.mirror.powerOn(secondary);
				await this.#pause(2500);
				await this.#cut(cut === "primary in a resync" ? primary : secondary);
				if (cut === "primary in a resync") this.#client.allDown();
				this.#client.syncs = true;
				await this.#pause(1000);
				await this.mirror.powerOn(cut === "primary in a resync" ? primary : secondary);
				return cut === "primary in a resync" ? "synced" : "acknowledged";
		}
	}

	/** All at once: the disk, the cables, the processor. */
	async #cut(node: LabNode): Promise<void> {
		const disk = this.#disks.get(node.name)!;
		await disk.freeze(this.random.between(0, 1_000_000));
		const dead = node.powerCut();
		await sleep(dyingMs);
		await disk.release();
		await dead;
		await disk.powerOff();
	}

	async #roles(): Promise<{ primary: LabNode; secondary: LabNode }> {
		const [n1, n2] = this.mirror.nodes;
		const { state } = await this.mirror.state(n1);
		return state === "PRIM" ? { primary: n1, secondary: n2 } : { primary: n2, secondary: n1 };
	}

	async #inService(): Promise<void> {
		const { mirror } = this;
		await mirror.lab.until("one server is PRIM Ready, the other SECOND Ready", recoveryMs, async () => {
			const states = await Promise.all(mirror.nodes.map((node) => mirror.state(node)));
			const names = states.map(({ state, status }) => `${state} ${status}`).sort();
			if (names.join() !== "PRIM Ready,SECOND Ready") throw new Error(JSON.stringify(states));
			return true;
		});
	}

	/** Both trees, file by file; what was received is applied a moment later. */
	async #different(): Promise<string[]> {
		const sum = `cd ${data} && find . -path ./.opensafe -prune -o -type f -exec sha256sum {} + | sort -k 2`;
		let last: string[] = [];
		for (let n = 0; n < 50; n++) {
			const [one, two] = await Promise.all(this.mirror.nodes.map((node) => node.run(sum)));
			if (one === two) return [];
			const [a, b] = [new Set(one!.split("\n")), new Set(two!.split("\n"))];
			last = [...[...a].filter((line) => !b.has(line)), ...[...b].filter((line) => !a.has(line))];
			await sleep(200);
		}
		return last.slice(0, 10).map((line) => `differs: ${line}`);
	}

	#pause(ms: number): Promise<void> {
		return sleep(this.random.between(0, ms));
	}
}
