/** A pair of processes that is separated and brought together again, while an application changes the tree. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import type { MeetingOutcome } from "../../core/engine/replication.ts";
import { Churn } from "./churn.ts";
import { underneath } from "./marks/marksOf.ts";
import { Pair, type TestNode } from "./pair.ts";
import { compareTrees } from "./treeCompare.ts";

export type Separation =
	| "secondary stops"
	| "secondary killed"
	| "link cut"
	| "primary killed"
	| "both killed"
	| "primary killed, secondary leads"
	| "swap";

export class Rounds {
	readonly pair: Pair;
	readonly #next: () => number;
	primary: TestNode;
	secondary: TestNode;
	/** What happened, in short. */
	readonly said: string[] = [];
	#outcome: MeetingOutcome = "PEER_BEHIND";
	#seed = 0;

	private constructor(pair: Pair, next: () => number) {
		this.pair = pair;
		this.#next = next;
		this.primary = pair.a;
		this.secondary = pair.b;
	}

	static async make(t: ExecutionContext, next: () => number): Promise<Rounds> {
		const pair = await Pair.make(t);
		const rounds = new Rounds(pair, next);
		await Promise.all([pair.a.open(), pair.b.open()]);
		await pair.a.ask({ order: "serve", term: 5, alone: true }, "serving");
		await rounds.#churn(400);
		await pair.join(pair.a, pair.b, "NEW");
		return rounds;
	}

	/** From a complete session; the pair is in a state from which it may meet again. */
	async separate(how: Separation): Promise<void> {
		const { primary, secondary } = this;
		this.said.push(how);
		await this.#churn(this.#upTo(80));
		this.#outcome = "PEER_BEHIND";
		switch (how) {
			case "secondary stops":
				await secondary.ask({ order: "close" }, "closed");
				await this.#alone();
				await this.#churn(this.#upTo(60));
				await secondary.open();
				break;
			case "secondary killed":
				await this.#during(() => secondary.kill());
				await this.#churn(this.#upTo(60));
				await secondary.open();
				break;
			case "link cut": {
				const proxy = this.#proxy();
				await this.#during(() => proxy.cut());
				await this.#churn(this.#upTo(60));
				await secondary.ask({ order: "open" }, "opened");
				proxy.mend();
				break;
			}
			case "primary killed":
				await this.#during(() => primary.kill(), false);
				await secondary.ask({ order: "promote" }, "promoted");
				this.#turn();
				await this.#serveAlone();
				await this.#churn(this.#upTo(60));
				await primary.open();
				break;
			case "both killed":
				await this.#during(() => Promise.all([primary.kill(), secondary.kill()]), false);
				await Promise.all([primary.open(), secondary.open()]);
				this.#outcome = "BLACKOUT";
				break;
			case "primary killed, secondary leads":
				await this.#during(() => primary.kill(), false);
				await Promise.all([secondary.ask({ order: "open" }, "opened"), primary.open()]);
				this.#turn();
				this.#outcome = "CRASHED_PRIMARY";
				break;
			case "swap":
				await primary.ask({ order: "seal" }, "sealed");
				await secondary.ask({ order: "promote" }, "promoted");
				this.#turn();
				await this.#serveAlone();
				await this.#churn(this.#upTo(60));
		}
	}

	/** A session from the marks, which may be interrupted, while the application goes on. */
	async meet(): Promise<void> {
		const cuts = this.#upTo(3);
		for (let n = 0; n < cuts; n++) await this.#interrupted();
		const churn = new Churn(this.primary.dir, ++this.#seed);
		const [from, before] = [this.primary.facts.length, this.primary.logs.length];
		await this.#begin();
		const running = churn.run(150);
		await this.primary.until("synced", from);
		await this.secondary.until("synced");
		churn.stop();
		await running;
		const said = this.primary.logs.slice(before).join("\n");
		if (!said.includes("are marked here") || said.includes("compared whole"))
			throw new Error(`not only what is marked was compared\n${this.story()}`);
		const compared = /: (\d+ directories and \d+ files are marked)[\s\S]*Copied <(.*)>/.exec(said);
		this.said.push(`  ${compared?.slice(1).join("; ")}`);
	}

	/** By full comparison, when the secondary has applied everything. */
	async differences(): Promise<string[]> {
		for (let n = 0; ; n++) {
			const [a, b] = [this.primary, this.secondary].map(({ dir, client }) => underneath(dir, client.pid!));
			const found = compareTrees(a!, b!, { blocks: false });
			if (found.length === 0 || n === 50) return found;
			await sleep(100);
		}
	}

	/** What a session would compare now, when checkpoints had their time. */
	async marked(nodes: TestNode[]): Promise<string[]> {
		const found: string[] = [];
		for (const node of nodes) {
			let last = "";
			for (let n = 0; n < 80; n++) {
				const { everything, directories, files } = await node.ask({ order: "estimate" }, "estimated");
				last =
					everything || directories + files > 0 ? `${node.config.node}: ${everything} ${directories} ${files}` : "";
				if (last === "") break;
				await sleep(250);
			}
			if (last !== "") found.push(last);
		}
		return found;
	}

	async close(): Promise<void> {
		await this.primary.ask({ order: "close" }, "closed");
		await this.secondary.ask({ order: "close" }, "closed");
	}

	story(): string {
		const nodes = [this.primary, this.secondary].map((node) => `--- ${node.config.node}\n${node.story()}`);
		return `${this.said.join("\n")}\n${nodes.join("\n")}`;
	}

	/** A copy that ends too early: the link, the target's or the source's process. */
	async #interrupted(): Promise<void> {
		const how = this.#upTo(3);
		const { primary, secondary } = this;
		const from = primary.facts.length;
		await this.#begin();
		const churn = new Churn(primary.dir, ++this.#seed);
		const running = churn.run().catch(() => {});
		await sleep(this.#next() * 120);
		const synced = () => primary.facts.slice(from).some(({ fact }) => fact === "synced");
		this.said.push(`  interrupted: ${["link", "target killed", "source killed"][how]}`);
		if (how === 2) {
			await primary.kill();
			churn.stop();
			await running;
			await secondary.ask({ order: "open" }, "opened");
			const { alone } = await primary.open();
			this.#outcome = secondary.records!.copying || alone !== null ? "PEER_BEHIND" : "CRASHED_PRIMARY";
			if (this.#outcome === "CRASHED_PRIMARY") this.#turn();
			return;
		}
		if (how === 1) await secondary.kill();
		else this.#proxy().cut();
		await sleep(100);
		if (synced()) await this.#alone(from);
		churn.stop();
		await running;
		if (how === 1) await secondary.open();
		else {
			await secondary.ask({ order: "open" }, "opened");
			this.#proxy().mend();
		}
		this.#outcome = "PEER_BEHIND";
	}

	async #begin(): Promise<void> {
		await this.pair.session(this.primary, this.secondary, this.#outcome);
		await this.primary.ask({ order: "serve", term: this.pair.term, alone: false }, "serving");
	}

	/** The application changes things before, while and after it happens; `goesOn`: the primary then is alone. */
	async #during(happens: () => unknown, goesOn = true): Promise<void> {
		const churn = new Churn(this.primary.dir, ++this.#seed);
		const from = this.primary.facts.length;
		const running = churn.run().catch((error: Error) => {
			if (goesOn) throw error;
		});
		await sleep(20 + this.#next() * 200);
		await happens();
		if (goesOn) {
			await this.#alone(from);
			await sleep(50);
		}
		churn.stop();
		await running;
	}

	async #alone(from = 0): Promise<void> {
		const { primary } = this;
		await primary.until("peerLost", from);
		await primary.ask({ order: "sync" }, "synchronised");
		this.pair.term += 10;
		await primary.ask({ order: "goAlone", term: this.pair.term }, "alone");
	}

	async #serveAlone(): Promise<void> {
		this.pair.term += 10;
		await this.primary.ask({ order: "serve", term: this.pair.term, alone: true }, "serving");
	}

	#turn(): void {
		[this.primary, this.secondary] = [this.secondary, this.primary];
	}

	#proxy() {
		return this.primary === this.pair.a ? this.pair.proxy : this.pair.back;
	}

	async #churn(steps: number): Promise<void> {
		await new Churn(this.primary.dir, ++this.#seed).run(steps);
	}

	#upTo(below: number): number {
		return Math.floor(this.#next() * below);
	}
}
