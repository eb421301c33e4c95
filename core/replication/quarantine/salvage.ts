/**
 * Which quarantine is being filled on this node: a diverged node keeps what it loses until the copy is complete, also
 * when the copy is interrupted and begins again in another session.
 */
import type { MeetingOutcome } from "../../engine/replication.ts";
import type { Context, Volume } from "../control/context.ts";
import { at } from "../errno.ts";
import type { FileRef } from "../operation.ts";
import type { Repairs } from "../secondary/repairs.ts";
import { labelOfPath } from "./labels.ts";
import { writeNote } from "./note.ts";
import { Quarantine } from "./quarantine.ts";

/** Names that are remembered; what is put aside beyond them is kept under its id. */
const mostPlaces = 100_000;

export class Salvage {
	readonly #context: Context;
	readonly #outcome: MeetingOutcome;
	readonly #open = new Map<number, Quarantine>();
	/** Where the entries of limbo were. A copy that begins again after an interruption keeps them under their ids. */
	readonly #places = new Map<string, string>();

	/** @param outcome of the meeting: why this node's content goes. */
	constructor(context: Context, outcome: MeetingOutcome) {
		this.#context = context;
		this.#outcome = outcome;
	}

	/** Repairs must not overwrite anything that was not kept. As recorded: it holds after a crash too. */
	get active(): boolean {
		return this.#context.records.now.keeping === true;
	}

	/** Named after the line of data that is given up; it is replaced only when the copy is complete. */
	get #name(): string {
		const { epoch, tree } = this.#context.records.now;
		return epoch?.current ?? tree;
	}

	/** Before this range of an own file goes. @throws SafekitError REPLICATION_QUARANTINE when it does not fit. */
	keep(volume: Volume, ref: FileRef, offset: bigint, length: bigint): void {
		this.#quarantine(volume).keep(ref, labelOf(volume, ref), offset, length);
	}

	/** An entry goes to limbo; if nothing claims it there, it is kept under the name that a person knows. */
	putAside(volume: Volume, entry: string, ref: FileRef): void {
		if (!this.active || this.#places.size >= mostPlaces) return;
		this.#places.set(`${volume.index} ${entry}`, labelOf(volume, ref));
	}

	/** Everything in the root is put aside; the log says how much. */
	foreign(volume: Volume, repairs: Repairs): number {
		const own = this.#quarantine(volume);
		const count = repairs.foreign(own);
		if (count < 0) return count;
		const where = `${volume.tree.path}/.opensafe/quarantine/${own.name}`;
		const text = `${count} entries that were in ${volume.tree.path} before the first synchronisation are kept in ${where}`;
		this.#context.log("E", "reintegre", text);
		return 0;
	}

	/** The copy is complete: what is left in limbo is kept too. The caller records the end afterwards. */
	end(): void {
		let files = 0;
		for (const volume of this.active ? this.#context.volumes : []) {
			const quarantine = this.#quarantine(volume);
			const { tree } = volume;
			const limbo = tree.refAt(tree.folderFd.limbo, "");
			const entries = typeof limbo === "number" ? [] : tree.list(limbo);
			for (const { name } of typeof entries === "number" ? [] : entries) {
				const label = this.#places.get(`${volume.index} ${name.toString("latin1")}`);
				quarantine.take(tree.folderFd.limbo, name, label === undefined ? name : Buffer.from(label));
			}
			files += quarantine.files;
		}
		const where = `.opensafe/quarantine/${this.#name}`;
		const text = `${files} files and folders that only this server had are kept in ${where}`;
		if (files > 0) this.#context.log("E", "reintegre", text);
		this.close();
	}

	close(): void {
		for (const quarantine of this.#open.values()) quarantine.close();
		this.#open.clear();
	}

	#quarantine(volume: Volume): Quarantine {
		const known = this.#open.get(volume.index);
		if (known !== undefined) return known;
		const quarantine = new Quarantine(volume, this.#name);
		this.#open.set(volume.index, quarantine);
		const { node, peer } = this.#context.config;
		writeNote(volume.tree, this.#name, { at: new Date().toISOString(), node, peer, outcome: this.#outcome });
		return quarantine;
	}
}

/** The path below the root as one name, where the kernel still knows it; else the reference. */
function labelOf({ tree }: Volume, ref: FileRef): string {
	const unnamed = `file-${ref.toString(16)}`;
	const path = tree.with<Buffer>(ref, (fd) => tree.system.readlinkat(at.FDCWD, `/proc/self/fd/${fd}`));
	if (typeof path === "number") return unnamed;
	const text = path.toString("utf8");
	if (!text.startsWith(`${tree.path}/`)) return unnamed;
	return labelOfPath(text.slice(tree.path.length + 1)) ?? unnamed;
}
