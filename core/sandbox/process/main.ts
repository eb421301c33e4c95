/**
 * Main file of the process in which TypeScript checkers run (design §8). It has no rights, no network and no files:
 * what a checker asks for goes to the daemon, which judges it and does it. Nothing here is trusted by the daemon.
 */
import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { confine } from "../../platform/linux/confine.ts";
import { Channel } from "../channel.ts";
import type { FromProcess, ToProcess } from "../messages.ts";
import { type Cell, Cells, type Lost } from "./cells.ts";
import { type Library, Member } from "./member.ts";
import { loadBudgetNs, runBudgetNs, Turns } from "./turns.ts";

/** Descriptors that the daemon hands in. */
const [channelFd, boxFd] = [3, 4];

class Service {
	readonly #turns: Turns;
	readonly #cells: Cells;
	readonly #channel: Channel;
	#library: Library = { driver: "", checker: "" };
	/** The run of each checker that is under way, and what it may still use of a processor. */
	readonly #runs = new Map<number, { run: number; leftNs: bigint }>();

	constructor(channel: Socket, box: number | null) {
		this.#turns = new Turns(box);
		this.#cells = new Cells({
			gone: (lost) => this.#gone(lost),
			// Who is inside is in the box.
			catastrophe: () => process.kill(process.pid, "SIGKILL"),
		});
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
		else if (type === "start") {
			this.#runs.set(id, { run: message.run, leftNs: runBudgetNs });
			void this.#step(id, message.run, (member) => member.start(message.input));
		} else {
			const { run, call, isWell, value, nowMs } = message;
			if (this.#runs.get(id)?.run === run) {
				void this.#step(id, run, (member) => member.answer(call, isWell, value, nowMs));
			}
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
			cell.members.set(id, result.member);
			this.#say({ type: "loaded", id, said: result.said });
		} catch (error) {
			if (this.#isLost(cell, id)) return;
			this.#cells.leave(id);
			this.#say({ type: "notLoaded", id, why: textOf(error) });
		}
	}

	async #step(id: number, run: number, work: (member: Member) => Promise<string>): Promise<void> {
		const cell = this.#cells.of(id);
		const member = cell?.members.get(id);
		const running = this.#runs.get(id);
		if (cell === undefined || !member || running === undefined) return;
		try {
			const { result, usedNs } = await this.#turns.take(cell, id, running.leftNs, () => work(member));
			running.leftNs -= usedNs;
			if (this.#runs.get(id) === running) this.#say({ type: "out", id, run, out: result });
		} catch (error) {
			if (this.#isLost(cell, id) || this.#runs.get(id) !== running) return;
			this.#runs.delete(id);
			this.#say({ type: "failed", id, run, why: textOf(error) });
		}
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

function hasBox(): boolean {
	try {
		return fstatSync(boxFd).isFile();
	} catch {
		return false;
	}
}

const channel = new Socket({ fd: channelFd, readable: true, writable: true });
// The daemon is gone, or wants this process no more.
channel.on("close", () => process.kill(process.pid, "SIGKILL"));
confine(process.argv[2] ?? null);
new Service(channel, hasBox() ? boxFd : null);
