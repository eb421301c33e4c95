/** Gives the application deeds, and knows of each key what was asked for, acknowledged, and synced. */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../simulation/random.ts";
import { type Deed, type Found, slots } from "./deeds.ts";

interface Key {
	kind: "append" | "overwrite" | "replace";
	key: number;
	sent: number;
	acknowledged: number;
	synced: number;
	/** Versions that removed the object. */
	removed: Set<number>;
	/** Logs only: each line that was acknowledged, and whether it was synced. */
	lines: Map<number, boolean>;
	/** A line that nobody synced was torn when both servers lost power; it stays. */
	torn: boolean;
	busy: boolean;
}

const answerMs = 3000;
const writers = 6;

/** What a check holds against: one failure leaves everything acknowledged, two everything synced. */
export type Promised = "acknowledged" | "synced";

export class PowerClient {
	readonly #host: string;
	readonly #random: Random;
	readonly #keys: Key[];
	#running = false;
	#workers: Promise<void>[] = [];
	acknowledged = 0;
	/** False: no deed asks for a sync, so that only what the servers do by themselves brings anything to a disk. */
	syncs = true;

	constructor(host: string, random: Random) {
		this.#host = host;
		this.#random = random;
		const keys = (kind: Key["kind"], count: number): Key[] =>
			Array.from({ length: count }, (_, key) => {
				return {
					kind,
					key,
					sent: 0,
					acknowledged: 0,
					synced: 0,
					removed: new Set(),
					lines: new Map(),
					torn: false,
					busy: false,
				};
			});
		this.#keys = [...keys("append", 8), ...keys("overwrite", slots), ...keys("replace", 30)];
	}

	start(): void {
		this.#running = true;
		this.#workers = Array.from({ length: writers }, () => this.#work());
	}

	async stop(): Promise<void> {
		this.#running = false;
		await Promise.all(this.#workers);
	}

	/** Waits for so many more acknowledgements. */
	async more(count: number, withinMs: number): Promise<void> {
		const [wanted, giveUp] = [this.acknowledged + count, performance.now() + withinMs];
		while (this.acknowledged < wanted) {
			if (performance.now() > giveUp) throw new Error(`no ${count} deeds were acknowledged within ${withinMs} ms`);
			await sleep(20);
		}
	}

	/** The server that goes on alone has synced everything that was acknowledged until now. */
	keeperSynced(): void {
		for (const key of this.#keys) this.#synced(key);
	}

	/** Nobody serves: what was not synced may be gone, and no later sync brings it back. */
	allDown(): void {
		for (const { lines } of this.#keys) for (const [line, isSynced] of lines) if (!isSynced) lines.delete(line);
	}

	/** What is missing or wrong; from then on what was found counts as what there is. The client must be stopped. */
	async check(promised: Promised): Promise<string[]> {
		const found = JSON.parse(await this.#send("GET", "/found", "", 60_000)) as Found;
		return this.#keys.flatMap((key) => {
			const wrong = this.#wrong(key, found, promised);
			return wrong === null ? [] : [`${key.kind} ${key.key}: ${wrong}`];
		});
	}

	#synced(key: Key): void {
		key.synced = key.acknowledged;
		for (const line of key.lines.keys()) key.lines.set(line, true);
	}

	#wrong(key: Key, found: Found, promised: Promised): string | null {
		if (key.kind === "append") return missingLine(key, new Set(found.append[key.key] ?? []), promised);
		const version = found[key.kind][key.key];
		const least = key[promised];
		const range = `${promised} ${least}, asked for ${key.sent}`;
		const settle = (now: number): void => {
			key.acknowledged = key.synced = now;
		};
		if (version === undefined) {
			const gone = [...key.removed].filter((each) => each >= least);
			if (least > 0 && gone.length === 0) return `gone (${range})`;
			settle(Math.max(least, ...gone));
			return null;
		}
		// The name of a new file may be stored before its content where nobody asked for a sync.
		if (version === -1 && key.kind === "replace" && promised === "synced" && key.sent > least) return null;
		if (version < least || version > key.sent) return `version ${version} (${range})`;
		if (key.removed.has(version)) return `version ${version} removed it (${range})`;
		settle(version);
		return null;
	}

	async #work(): Promise<void> {
		while (this.#running) {
			const free = this.#keys.filter((key) => !key.busy);
			const key = free[this.#random.between(0, free.length - 1)]!;
			key.busy = true;
			try {
				await this.#one(key);
			} catch {
				await sleep(50);
			}
			key.busy = false;
		}
	}

	async #one(key: Key): Promise<void> {
		const version = ++key.sent;
		const sync = this.syncs && this.#random.chance(0.3);
		const exists = key.acknowledged > 0 && key.acknowledged === version - 1 && !key.removed.has(version - 1);
		const isRemoval = key.kind === "replace" && exists && this.#random.chance(0.2);
		if (isRemoval) key.removed.add(version);
		const deed: Deed = { deed: isRemoval ? "remove" : key.kind, key: key.key, version, sync };
		await this.#send("POST", "/", JSON.stringify(deed), answerMs);
		key.acknowledged = version;
		if (key.kind === "append") key.lines.set(version, false);
		if (sync) this.#synced(key);
		this.acknowledged++;
	}

	/** A connection of its own each time: one that was open to the dead server would hide the living one. */
	#send(method: string, path: string, body: string, timeoutMs: number): Promise<string> {
		return new Promise((resolve, reject) => {
			const agent = new Agent({ keepAlive: false });
			const asked = request({ host: this.#host, port: 8080, method, path, agent, timeout: timeoutMs }, (response) => {
				let text = "";
				response.setEncoding("utf8").on("data", (part: string) => {
					text += part;
				});
				response.on("end", () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))));
				response.on("error", reject);
			});
			asked.on("timeout", () => asked.destroy(new Error("no answer")));
			asked.on("error", reject);
			asked.end(body);
		});
	}
}

function missingLine(key: Key, there: Set<number>, promised: Promised): string | null {
	for (const [line, isSynced] of key.lines) {
		if (there.has(line)) continue;
		if (isSynced || promised === "acknowledged") return `no line ${line} of ${key.acknowledged}`;
		key.lines.delete(line);
	}
	key.torn ||= promised === "synced" && there.has(-1);
	return there.has(-1) && promised === "acknowledged" && !key.torn ? "a line with a wrong checksum" : null;
}
