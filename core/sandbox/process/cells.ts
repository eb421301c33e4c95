/**
 * Isolates and who lives in them. The first checkers of a server have one each; when there are many, those of one
 * module share: an isolate costs 1 MB, a context in it 0.2 MB. Who makes trouble in a shared one gets one alone.
 */
import ivm from "isolated-vm";
import { cellLimits } from "../limits.ts";
import type { Fault } from "../messages.ts";
import type { Member } from "./member.ts";
import type { Place } from "./turns.ts";

export interface Lost {
	ids: number[];
	culprit: number;
	fault: Fault;
}

export interface CellOptions {
	memoryMb: number;
	/** Those who may live here; null: only one. */
	group: string | null;
	gone(lost: Lost): void;
}

export class Cell implements Place {
	readonly isolate: ivm.Isolate;
	readonly group: string | null;
	readonly members = new Map<number, Member | null>();
	busy = false;
	turns = 0;
	readonly #gone: CellOptions["gone"];
	#isGone = false;

	constructor({ memoryMb, group, gone }: CellOptions) {
		// Where V8 cannot go on it ends the process: whoever is inside is in the box.
		this.isolate = new ivm.Isolate({ memoryLimit: memoryMb });
		this.group = group;
		this.#gone = gone;
	}

	get hasRoom(): boolean {
		return this.group !== null && this.members.size < cellLimits.together && !this.#isGone;
	}

	destroy(culprit: number, fault: Fault): void {
		if (this.#isGone) return;
		this.#isGone = true;
		if (!this.isolate.isDisposed) this.isolate.dispose();
		this.#gone({ ids: [...this.members.keys()], culprit, fault });
		this.members.clear();
	}

	/** Nobody is to blame: the last one has left. */
	close(): void {
		this.#isGone = true;
		if (!this.isolate.isDisposed) this.isolate.dispose();
	}
}

export class Cells {
	readonly #told: CellOptions["gone"];
	readonly #byMember = new Map<number, Cell>();
	readonly #cells = new Set<Cell>();

	constructor(gone: CellOptions["gone"]) {
		this.#told = gone;
	}

	of(id: number): Cell | undefined {
		return this.#byMember.get(id);
	}

	/** A place for a checker that is not there yet. */
	place(id: number, { group, alone, memoryMb }: { group: string; alone: boolean; memoryMb: number }): Cell {
		const mayShare = !alone && this.#cells.size >= cellLimits.alone;
		const found = mayShare ? [...this.#cells].find((cell) => cell.hasRoom && cell.group === group) : undefined;
		const cell = found ?? this.#open(mayShare ? group : null, memoryMb);
		cell.members.set(id, null);
		this.#byMember.set(id, cell);
		return cell;
	}

	leave(id: number): void {
		const cell = this.#byMember.get(id);
		if (cell === undefined) return;
		this.#byMember.delete(id);
		const member = cell.members.get(id);
		cell.members.delete(id);
		if (cell.members.size > 0) {
			if (!cell.isolate.isDisposed) member?.release();
			return;
		}
		this.#cells.delete(cell);
		cell.close();
	}

	#open(group: string | null, memoryMb: number): Cell {
		const cell: Cell = new Cell({
			group,
			memoryMb,
			gone: (lost) => {
				for (const id of lost.ids) this.#byMember.delete(id);
				this.#cells.delete(cell);
				this.#told(lost);
			},
		});
		this.#cells.add(cell);
		return cell;
	}
}
