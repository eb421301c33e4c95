/** `reidetail`: what a resync does with each directory and file, in the module's log. */
import type { Context, Volume } from "../control/context.ts";
import { pathOf } from "../local/pathOf.ts";
import type { FileRef } from "../operation.ts";

/** Lines of one resync: a log is bounded, and older lines of it are worth more than the next million of these. */
const mostLines = 10_000;

export class Detail {
	readonly #context: Context;
	#lines = 0;

	constructor(context: Context) {
		this.#context = context;
	}

	/** @param what for example `is equal`. */
	say(volume: Volume, ref: FileRef, what: string): void {
		if (!this.#context.config.resyncDetail || this.#lines > mostLines) return;
		this.#lines++;
		if (this.#lines > mostLines) {
			this.#context.log("I", "reintegre", `After ${mostLines} lines the details of this synchronisation are not told`);
			return;
		}
		const path = pathOf(volume, ref);
		const shown =
			path === null ? `a file without a name (${ref})` : Buffer.concat(path.flatMap(parted)).toString("utf8");
		this.#context.log("I", "reintegre", `${volume.tree.path}${shown}: ${what}`);
	}
}

const separator = Buffer.from("/");

function parted(name: Buffer): Buffer[] {
	return [separator, name];
}
