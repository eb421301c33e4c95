/**
 * Folders that are replaced as a whole: `$SAFE/modules/AM` and `$SAFE/private/modules/AM`. Beside `AM` stand, while it changes:
 *   .AM.tmp      being written, worth nothing yet
 *   .AM.new      complete and on the disk
 *   .AM.old      what was in force
 *   .AM.gone     given up, being removed
 *   .AM.pending  a trial: until this file goes, the old tree counts and comes back after a crash
 * Whatever happens, `recover` leaves the old tree or the new one, never a mix.
 */
import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, moveDurably, removeTree, replaceFile, syncFolder, syncTree } from "./files.ts";

const endings = ["tmp", "new", "old", "gone", "pending"] as const;
type Ending = (typeof endings)[number];

/** The tree called `name` in the folder `parent`. */
export class Tree {
	readonly path: string;
	readonly #parent: string;
	readonly #name: string;

	constructor(parent: string, name: string) {
		this.path = join(parent, name);
		this.#parent = parent;
		this.#name = name;
	}

	/** Where the tree in force is: the old one during a trial; null if there is none. */
	async inForce(): Promise<string | null> {
		if (await exists(this.#beside("pending"))) {
			if (await exists(this.#beside("old"))) return this.#beside("old");
			if ((await readFile(this.#beside("pending"), "utf8").catch(() => "")) === "first") return null;
		}
		return (await exists(this.path)) ? this.path : null;
	}

	/** An empty folder to write a new tree into. */
	async begin(): Promise<string> {
		await makeFolder(this.#parent);
		await removeTree(this.#beside("tmp"));
		await makeFolder(this.#beside("tmp"));
		return this.#beside("tmp");
	}

	/** Gives up what `begin` started. */
	async abandon(): Promise<void> {
		await removeTree(this.#beside("tmp"));
	}

	/** Puts the tree that was written in force. */
	async replace(): Promise<void> {
		await this.#complete();
		await this.#swap();
		await this.#discard("old");
	}

	/** Puts the new tree in its place on trial: `confirm` ends it well, `recover` reverts it. */
	async tryOut(): Promise<void> {
		await this.#complete();
		await replaceFile(this.#beside("pending"), (await exists(this.path)) ? "again" : "first");
		await this.#swap();
	}

	/** The commit point of a trial. */
	async confirm(): Promise<void> {
		await removeTree(this.#beside("pending"));
		await syncFolder(this.#parent);
		await this.#discard("old");
	}

	async remove(): Promise<void> {
		if (!(await exists(this.path))) return;
		await moveDurably(this.path, this.#beside("gone"));
		await removeTree(this.#beside("gone"));
	}

	/** Ends what a crash interrupted. Doing it twice, or with nothing to do, changes nothing. */
	async recover(): Promise<void> {
		await removeTree(this.#beside("tmp"));
		await removeTree(this.#beside("gone"));
		if (await exists(this.#beside("pending"))) await this.#recoverTrial();
		else if (!(await exists(this.path))) {
			if (await exists(this.#beside("new"))) await moveDurably(this.#beside("new"), this.path);
			else if (await exists(this.#beside("old"))) await moveDurably(this.#beside("old"), this.path);
		}
		await removeTree(this.#beside("new"));
		await removeTree(this.#beside("old"));
	}

	async #recoverTrial(): Promise<void> {
		const first = (await readFile(this.#beside("pending"), "utf8")) === "first";
		if (first) await this.remove();
		else if (await exists(this.#beside("old"))) {
			await this.remove();
			await moveDurably(this.#beside("old"), this.path);
		}
		await removeTree(this.#beside("new"));
		await removeTree(this.#beside("pending"));
		await syncFolder(this.#parent);
	}

	async #complete(): Promise<void> {
		await syncTree(this.#beside("tmp"));
		await removeTree(this.#beside("new"));
		await moveDurably(this.#beside("tmp"), this.#beside("new"));
	}

	async #swap(): Promise<void> {
		if (await exists(this.path)) await moveDurably(this.path, this.#beside("old"));
		await moveDurably(this.#beside("new"), this.path);
	}

	/** Renamed first: a half-removed old tree must never look like one to go back to. */
	async #discard(ending: Ending): Promise<void> {
		if (!(await exists(this.#beside(ending)))) return;
		await moveDurably(this.#beside(ending), this.#beside("gone"));
		await removeTree(this.#beside("gone"));
	}

	#beside(ending: Ending): string {
		return join(this.#parent, `.${this.#name}.${ending}`);
	}
}

/** Names in `parent` that have a tree, or traces of a change that was interrupted. */
export async function treeNames(parent: string): Promise<string[]> {
	const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
	const trace = new RegExp(`^\\.(.+)\\.(?:${endings.join("|")})$`);
	const names = entries.map(
		(entry) => trace.exec(entry.name)?.[1] ?? (entry.isDirectory() && !entry.name.startsWith(".") ? entry.name : ""),
	);
	return [...new Set(names)].filter((name) => name !== "").sort();
}

export async function exists(path: string): Promise<boolean> {
	return access(path).then(
		() => true,
		() => false,
	);
}
