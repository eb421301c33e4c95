/** Real replication processes on this machine, over loopback, given orders by hand as a daemon would. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MeetingOutcome } from "../../../core/engine/replication.ts";
import { TestNode, testConfiguration } from "../../replication/pair.ts";
import { freePorts } from "../machine.ts";
import type { SubjectName } from "../measure.ts";

const longMs = 40 * 60_000;

/** One server, or two with a link between them. */
export class Servers {
	readonly a: TestNode;
	readonly b: TestNode;
	#term = 0;

	private constructor(a: TestNode, b: TestNode) {
		this.a = a;
		this.b = b;
	}

	/** Makes the directories `a/data` and `b/data` in a folder; nothing runs yet. */
	static async make(folder: string, subject: SubjectName): Promise<Servers> {
		const [portA, portB] = (await freePorts(2)) as [number, number];
		const node = (name: string, peer: string, index: 0 | 1, own: number, other: number): TestNode => {
			const config = testConfiguration(folder, name, peer, index, own);
			config.connect = { address: "127.0.0.1", port: other };
			config.sealed = subject.endsWith("-sealed");
			config.async = subject === "replicated-none" ? "none" : "second";
			mkdirSync(config.directories[0]!.dir, { recursive: true });
			const errors = join(folder, name, "err");
			writeFileSync(errors, "");
			return new TestNode(config, errors);
		};
		return new Servers(node("a", "b", 0, portA, portB), node("b", "a", 1, portB, portA));
	}

	/** A higher term, for an order. */
	term(): number {
		this.#term += 10;
		return this.#term;
	}

	/** One node serves without ever having had a peer. */
	async alone(): Promise<void> {
		await this.a.open();
		await this.a.ask({ order: "serve", term: this.term(), alone: true }, "serving");
	}

	/** Both run, `a` serves, `b` has everything. */
	async up(): Promise<void> {
		await Promise.all([this.a.open(), this.b.open()]);
		await this.join(this.a, this.b, "NEW", true);
	}

	/** From the order of a session to `synced` on both sides: how long that took, and what was copied. */
	async join(
		source: TestNode,
		target: TestNode,
		outcome: MeetingOutcome,
		everything: boolean,
	): Promise<{ ms: number; files: number; bytes: number }> {
		const from = [source.facts.length, target.facts.length] as const;
		const order = { order: "session", term: this.term(), outcome, everything, quarantine: false } as const;
		const started = performance.now();
		target.client.order({ ...order, source: false });
		await source.ask({ ...order, source: true }, "accepted");
		await source.ask({ order: "serve", term: this.#term, alone: false }, "serving");
		const { files, bytes } = await source.until("synced", from[0], longMs);
		await target.until("synced", from[1], longMs);
		return { ms: performance.now() - started, files, bytes };
	}

	/** The peer of `node` is gone: goes on alone, as the engine would order it. */
	async goAlone(node: TestNode): Promise<void> {
		await node.ask({ order: "sync" }, "synchronised");
		await node.ask({ order: "goAlone", term: this.term() }, "alone");
	}

	async close(): Promise<void> {
		await Promise.all([this.a.clear(), this.b.clear()]);
	}
}
