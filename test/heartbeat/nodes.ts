/** Nodes of a farm on loopback, each with a real heartbeat thread. */
import type { ExecutionContext } from "ava";
import { type FarmModule, type FarmView, loadOf } from "../../core/engine/farm/group.ts";
import type { FromHeart } from "../../core/heartbeat/service.ts";
import { HeartThread } from "./relay.ts";

const key = "6b".repeat(32);
export const port = 20_000 + (process.pid % 20_000);

/** The farm of a subnet on each of its lans, as each node is told of it. */
export function farm(subnet: number, names: string[], more: Partial<FarmModule> = {}): FarmModule[] {
	const lans = ["one", "two"].map((name, lan) => ({
		name,
		nodes: names.map((node, n) => ({ name: node, addr: `127.${subnet}.${lan}.${n + 1}` })),
	}));
	return names.map((node, n) => ({
		module: "m",
		id: 1,
		port,
		node,
		nodes: names,
		pulseMs: 100,
		leaderLost: 10,
		virtual: [],
		followerLost: 10,
		lans: lans.map((lan) => ({ ...lan, localAddr: lan.nodes[n]?.addr ?? "" })),
		groups: [{ name: "web", powers: {} }],
		key,
		...more,
	}));
}

export class Node {
	readonly heard: FromHeart[] = [];
	readonly #heart: HeartThread;
	#wake: () => void = () => undefined;

	/** `confirms`: its filter obeys at once. */
	constructor(
		t: ExecutionContext,
		module: FarmModule,
		open = ["web"],
		held = {},
		confirms = true,
		successors: FarmModule[] = [],
	) {
		this.#heart = new HeartThread(
			(message) => {
				this.heard.push(message);
				if (message.is === "farm" && confirms) this.applied(message.view.version);
				this.#wake();
			},
			(error) => t.fail(String((error as Error).stack)),
		);
		this.#heart.send({ do: "farm", module, wish: { open }, held, successors });
		t.teardown(() => this.close());
	}

	send: HeartThread["send"] = (order) => this.#heart.send(order);

	/** Newer cluster.xml files have come. */
	follow(module: FarmModule, successors: FarmModule[]): void {
		this.#heart.send({ do: "farm", module, wish: { open: ["web"] }, held: {}, successors });
	}

	applied(version: number): void {
		this.#heart.send({ do: "applied", module: "m", version });
	}

	async close(): Promise<void> {
		await this.#heart.close();
	}

	get view(): FarmView | null {
		const last = this.heard.findLast((message) => message.is === "farm");
		return last?.is === "farm" ? last.view : null;
	}

	load(name: string): number {
		const share = this.view?.groups[0];
		return share === undefined ? 0 : loadOf(share, name);
	}

	/** Waits for what is true of the last view, or of anything heard. */
	async until(fits: (node: Node) => boolean, withinMs = 60_000): Promise<void> {
		const end = performance.now() + withinMs;
		while (!fits(this)) {
			const leftMs = end - performance.now();
			if (leftMs <= 0) throw new Error(`not within ${withinMs} ms; the last view: ${JSON.stringify(this.view)}`);
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, leftMs);
				this.#wake = () => {
					clearTimeout(timer);
					resolve();
				};
			});
		}
	}

	settled(...members: string[]): Promise<void> {
		return this.until(({ view }) => view?.settled === true && view.members.join() === members.join());
	}
}
