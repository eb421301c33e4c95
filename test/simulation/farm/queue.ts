/** Virtual time. */
import { Agenda } from "../world.ts";

export class Queue {
	nowMs = 0;
	readonly #agenda = new Agenda();

	/** What is due at the same moment happens in the order of its coming. */
	after(delayMs: number, run: () => void): void {
		this.#agenda.add(this.nowMs + Math.max(0, delayMs), run);
	}

	/** Everything up to that time happens. */
	until(endMs: number): void {
		for (let due = this.#agenda.first(); due !== undefined && due.atMs <= endMs; due = this.#agenda.first()) {
			this.#agenda.take();
			this.nowMs = due.atMs;
			due.run();
		}
		this.nowMs = endMs;
	}
}
