/**
 * The demo's client: writes through the virtual IP all the time, remembers what was acknowledged, and counts later
 * what is missing. A write counts as acknowledged once its HTTP response has come.
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** A probe is started this often, whether or not earlier ones have been answered. Milliseconds. */
const probeEveryMs = 10;
const maxOpenProbes = 60;
const answerTimeoutMs = 500;
const maxAnswerBytes = 64 * 1024 * 1024;

export class Client {
	readonly #url: string;
	readonly #acknowledged = new Set<string>();
	/** Times of acknowledgements, performance.now(), and the node that gave them. */
	readonly #times: { atMs: number; sentMs: number; node: string }[] = [];
	#running = false;
	#openProbes = 0;
	#next = 0;
	#workers: Promise<void>[] = [];

	constructor(url: string) {
		this.#url = url;
	}

	get acknowledgedWrites(): number {
		return this.#acknowledged.size;
	}

	/** Starts the probe and `writers` that write one after another over a kept connection each. */
	start(writers: number): void {
		this.#running = true;
		this.#workers = [this.#probe(), ...Array.from({ length: writers }, () => this.#write())];
	}

	async stop(): Promise<void> {
		this.#running = false;
		await Promise.all(this.#workers);
		while (this.#openProbes > 0) await sleep(probeEveryMs);
	}

	/** Milliseconds from `fromMs` to the first acknowledgement of a write that was sent after it; null if none came. */
	firstAfter(fromMs: number): number | null {
		const first = this.#times.find((each) => each.sentMs >= fromMs);
		return first === undefined ? null : Math.round(first.atMs - fromMs);
	}

	/** Waits for a write that was sent after `fromMs` and acknowledged, by `node` if given. Its delay in milliseconds. */
	async nextAfter(fromMs: number, withinMs: number, node?: string): Promise<number> {
		const giveUp = performance.now() + withinMs;
		while (performance.now() < giveUp) {
			const hit = this.#times.find((each) => each.sentMs >= fromMs && (node === undefined || each.node === node));
			if (hit !== undefined) return Math.round(hit.atMs - fromMs);
			await sleep(probeEveryMs);
		}
		throw new Error(`no write was acknowledged through the virtual IP within ${withinMs} ms`);
	}

	/** Reads everything through the virtual IP and counts the acknowledged writes that are not there. */
	async lostWrites(): Promise<number> {
		const expected = [...this.#acknowledged];
		const answer = await this.#send("GET", "/ids", "", undefined, 30_000);
		if (answer.status !== 200) throw new Error(`reading back failed: HTTP ${answer.status} ${answer.body}`);
		const there = new Set(answer.body.split("\n"));
		return expected.filter((id) => !there.has(id)).length;
	}

	async #probe(): Promise<void> {
		while (this.#running) {
			if (this.#openProbes < maxOpenProbes) {
				this.#openProbes++;
				// A connection of its own: one that was open to the dead server would hide the living one.
				this.#append(undefined).finally(() => {
					this.#openProbes--;
				});
			}
			await sleep(probeEveryMs);
		}
	}

	async #write(): Promise<void> {
		const agent = new Agent({ keepAlive: true, maxSockets: 1 });
		while (this.#running) {
			if (!(await this.#append(agent))) await sleep(probeEveryMs);
		}
		agent.destroy();
	}

	async #append(agent: Agent | undefined): Promise<boolean> {
		const id = `w-${this.#next++}`;
		const sentMs = performance.now();
		try {
			const answer = await this.#send("POST", "/append", id, agent, answerTimeoutMs);
			if (answer.status !== 200) return false;
			this.#acknowledged.add(id);
			this.#times.push({ atMs: performance.now(), sentMs, node: answer.node });
			return true;
		} catch {
			return false;
		}
	}

	#send(
		method: string,
		path: string,
		body: string,
		agent: Agent | undefined,
		timeoutMs: number,
	): Promise<{ status: number; body: string; node: string }> {
		return new Promise((resolve, reject) => {
			const signal = AbortSignal.timeout(timeoutMs);
			const sent = request(`${this.#url}${path}`, { method, agent: agent ?? false, signal }, (response) => {
				let text = "";
				response.setEncoding("utf8");
				response.on("data", (part: string) => {
					text += part;
					if (text.length > maxAnswerBytes) response.destroy(new Error("the answer is too long"));
				});
				response.on("error", reject);
				response.on("end", () => {
					resolve({ status: response.statusCode ?? 0, body: text, node: String(response.headers["x-node"] ?? "") });
				});
			});
			sent.on("error", reject);
			sent.end(body);
		});
	}
}
