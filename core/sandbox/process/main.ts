/**
 * Main file of the process in which TypeScript checkers run (design §8). It has no rights, no network and no files:
 * what a checker asks for goes to the daemon, which judges it and does it. Nothing here is trusted by the daemon.
 */
import { Socket } from "node:net";
import { confine } from "../../platform/linux/confine.ts";
import { processorDeadline } from "../../platform/linux/deadline.ts";
import { sharingCalls } from "../../platform/linux/libcSharing.ts";
import { boxBytes } from "../box.ts";
import { Channel } from "../channel.ts";
import { quickLimits } from "../limits.ts";
import type { FromProcess, ToProcess } from "../messages.ts";
import { type Cell, Cells, type Lost } from "./cells.ts";
import { type Library, Member, type Out, type Step } from "./member.ts";
import { type Deadline, Quick, quickNs } from "./quick.ts";
import { loadBudgetNs, runBudgetNs, Turns } from "./turns.ts";

/** Descriptors that the daemon hands in. */
const [channelFd, boxFd] = [3, 4];

/** A run that is under way. */
interface Running {
	id: number;
	run: number;
	member: Member;
	/** It makes its steps on this thread. */
	isQuick: boolean;
	/** What it may still use of a processor. */
	leftNs: bigint;
}

class Service {
	readonly #turns: Turns;
	readonly #quick: Quick;
	readonly #cells: Cells;
	readonly #channel: Channel;
	#library: Library = { driver: "", checker: "" };
	readonly #runs = new Map<number, Running>();

	constructor(channel: Socket, box: Int32Array, deadline: Deadline) {
		this.#turns = new Turns(box);
		this.#quick = new Quick(box, deadline);
		this.#cells = new Cells((lost) => this.#gone(lost));
		this.#channel = new Channel(channel, {
			heard: (message) => this.#heard(message as ToProcess),
			broken: () => process.exit(1),
		});
		this.#say({ type: "ready" });
	}

	#say(message: FromProcess): void {
		this.#channel.send(message);
	}

	#heard(message: ToProcess): void {
		if (message.type === "library") {
			this.#library = message;
			return;
		}
		const { type, id } = message;
		if (type === "load") void this.#load(message);
		else if (type === "drop") this.#drop(id);
		else if (type === "end") this.#end(id, message.run);
		else if (type === "start") this.#start(message);
		else {
			const { run, call, isWell, value, nowMs } = message;
			const running = this.#runs.get(id);
			if (running?.run === run) this.#step(running, { entry: "answer", words: [call, isWell, value, nowMs] });
		}
	}

	async #load(message: Extract<ToProcess, { type: "load" }>): Promise<void> {
		const { id, entry, files } = message;
		const cell = this.#cells.place(id, message);
		const load = (): Promise<{ member: Member; said: string }> =>
			Member.load(cell.isolate, this.#library, entry, files);
		try {
			const { result } = await this.#turns.take(cell, id, loadBudgetNs, load, true);
			if (!cell.members.has(id)) return;
			// Who made trouble before has a thread of its own whenever it runs.
			if (message.alone) result.member.hasHeldUp = true;
			cell.members.set(id, result.member);
			this.#say({ type: "loaded", id, said: result.said });
		} catch (error) {
			if (this.#isLost(cell, id)) return;
			this.#cells.leave(id);
			this.#say({ type: "notLoaded", id, why: textOf(error) });
		}
	}

	#start({ id, run, input = "", nowMs }: Extract<ToProcess, { type: "start" }>): void {
		const member = this.#cells.of(id)?.members.get(id);
		if (!member) return;
		const running = { id, run, member, isQuick: member.isQuick, leftNs: runBudgetNs };
		this.#runs.set(id, running);
		this.#step(running, { entry: "start", words: [input, nowMs] });
	}

	#step(running: Running, step: Step): void {
		const cell = this.#cells.of(running.id);
		if (cell === undefined) return;
		if (running.isQuick && cell.turns === 0) this.#stepNow(cell, running, step);
		else void this.#stepApart(cell, running, step);
	}

	#stepNow(cell: Cell, running: Running, step: Step): void {
		const { id, run, member } = running;
		const { result, error, usedNs, isCut } = this.#quick.take(cell, id, () => member.takeNow(step));
		running.leftNs -= usedNs;
		running.isQuick = runBudgetNs - running.leftNs < quickNs;
		if (usedNs > quickNs) member.hasHeldUp = true;
		if (result !== null) this.#out(running, result);
		else if (isCut) {
			member.isQuick = false;
			this.#runs.delete(id);
			this.#say({ type: "cut", id, run });
		} else this.#failed(cell, running, error);
	}

	async #stepApart(cell: Cell, running: Running, step: Step): Promise<void> {
		const { id, member, leftNs } = running;
		try {
			const { result, usedNs } = await this.#turns.take(cell, id, leftNs, () => member.take(step));
			running.leftNs -= usedNs;
			this.#out(running, result);
		} catch (error) {
			this.#failed(cell, running, error);
		}
	}

	#out(running: Running, { text, isDone }: Out): void {
		const { id, run, member, leftNs } = running;
		if (this.#runs.get(id) !== running) return;
		if (isDone) member.isQuick = runBudgetNs - leftNs < quickNs && !member.hasHeldUp;
		this.#say({ type: "out", id, run, out: text });
	}

	#failed(cell: Cell, running: Running, error: unknown): void {
		const { id, run } = running;
		if (this.#isLost(cell, id) || this.#runs.get(id) !== running) return;
		this.#runs.delete(id);
		this.#say({ type: "failed", id, run, why: textOf(error) });
	}

	/** An isolate that is over its memory has ended itself. */
	#isLost(cell: Cell, id: number): boolean {
		if (!cell.isolate.isDisposed) return false;
		cell.destroy(id, "memory");
		return true;
	}

	#end(id: number, run: number): void {
		if (this.#runs.get(id)?.run === run) this.#runs.delete(id);
		if (this.#turns.isInside(id)) this.#cells.of(id)?.destroy(id, "time");
		else this.#say({ type: "ended", id, run });
	}

	#drop(id: number): void {
		this.#runs.delete(id);
		this.#cells.leave(id);
	}

	#gone(lost: Lost): void {
		for (const id of lost.ids) this.#runs.delete(id);
		this.#say({ type: "gone", ...lost });
	}
}

function textOf(error: unknown): string {
	const { message = String(error), stack = "" } = error as Partial<Error>;
	const place = /([^\s()]+\.ts:\d+(?::\d+)?)/.exec(stack)?.[1];
	return (place === undefined || message.includes(place) ? message : `${message} (${place})`).slice(0, 500);
}

const channel = new Socket({ fd: channelFd, readable: true, writable: true });
// The daemon is gone, or wants this process no more.
channel.on("close", () => process.kill(process.pid, "SIGKILL"));
const box = sharingCalls.map(boxFd, boxBytes);
if (typeof box === "number") throw new Error(`the box cannot be mapped: ${box}`);
const deadline = processorDeadline(quickLimits.hangMs);
confine(process.argv[2] ?? null);
new Service(channel, new Int32Array(box), deadline);
