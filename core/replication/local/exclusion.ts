/**
 * `<notreplicated>` (spec/06 §2): names that stay on their server. Whether a file is replicated follows from its name
 * and those of the directories above it, so a rename or a link across the boundary is refused with EXDEV (mv then
 * copies). An expression with a leading `!` is about files: directories are always replicated by it, since otherwise
 * nothing below one could ever match.
 */
import { Ere } from "../../schema/ere/ere.ts";
import type { FileRef } from "../operation.ts";
import type { Tree } from "./tree.ts";

export interface ExclusionRules {
	/** Relative to the replicated directory. */
	paths: string[];
	/** POSIX ERE on entry names; a leading `!`: only what matches is replicated. */
	regexes: string[];
}

interface PathRule {
	/** Names of the directories from the root. */
	above: Buffer[];
	name: Buffer;
}

export class Exclusion {
	readonly #paths: PathRule[];
	readonly #out: Ere[];
	readonly #only: Ere[];

	/** Throws a SyntaxError for an expression that is none. */
	constructor(rules: ExclusionRules) {
		this.#paths = rules.paths.flatMap((path) => {
			const parts = path.split("/").filter((part) => part !== "" && part !== ".");
			const name = parts.pop();
			return name === undefined ? [] : [{ above: parts.map((part) => Buffer.from(part)), name: Buffer.from(name) }];
		});
		this.#out = rules.regexes.filter((regex) => !regex.startsWith("!")).map((regex) => new Ere(regex));
		this.#only = rules.regexes.filter((regex) => regex.startsWith("!")).map((regex) => new Ere(regex.slice(1)));
	}

	/** True when there is no rule at all. */
	get empty(): boolean {
		return this.#paths.length + this.#out.length + this.#only.length === 0;
	}

	/** Whether an entry of the directory with this path below the root (its names) is left out by its own name. */
	excludes(directory: Buffer[], name: Buffer, isDirectory: boolean): boolean {
		return (
			this.#byName(name, isDirectory) ||
			this.#paths.some(
				(rule) =>
					rule.name.equals(name) &&
					rule.above.length === directory.length &&
					rule.above.every((part, index) => part.equals(directory[index] as Buffer)),
			)
		);
	}

	/** The same for a directory that is known by reference. */
	excludesIn(tree: Tree, directory: FileRef, name: Buffer, isDirectory: boolean): boolean {
		return (
			this.#byName(name, isDirectory) ||
			this.#paths.some((rule) => rule.name.equals(name) && walk(tree, rule.above) === directory)
		);
	}

	/** True when a path rule goes through this directory: renaming it would move the boundary. */
	passesThrough(tree: Tree, directory: FileRef): boolean {
		return this.#paths.some((rule) =>
			rule.above.some((_, index) => walk(tree, rule.above.slice(0, index + 1)) === directory),
		);
	}

	#byName(name: Buffer, isDirectory: boolean): boolean {
		if (this.#out.length + this.#only.length === 0) return false;
		const text = name.toString("utf8");
		if (this.#out.some((regex) => regex.test(text))) return true;
		return !isDirectory && this.#only.length > 0 && !this.#only.some((regex) => regex.test(text));
	}
}

function walk(tree: Tree, names: Buffer[]): FileRef | null {
	let ref: FileRef | number = tree.rootRef;
	for (const name of names) {
		ref = tree.with<FileRef>(ref as FileRef, (fd) => tree.refAt(fd, name));
		if (typeof ref === "number") return null;
	}
	return ref as FileRef;
}

/** The rules that leave nothing out. */
export const nothingExcluded: Exclusion = new Exclusion({ paths: [], regexes: [] });
