/** What this side has in the moment in which the target is asked about the same. */
import type { Volume } from "../control/context.ts";
import { type as fileType } from "../errno.ts";
import type { Tree } from "../local/tree.ts";
import type { FileRef } from "../operation.ts";
import type { Or } from "../system.ts";
import { regionBytes } from "../wire/limits.ts";
import type { Attributes, ListedEntry, Message } from "../wire/messages.ts";
import { attributesOf, digestsOf, lookAt, readOnly, sameOwner } from "./look.ts";

/** DT_DIR. */
const directoryEntry = 4;

interface Mine {
	ref: FileRef;
	/** Type bits. */
	kind: number;
	/** Of what is neither a file nor a directory: nothing else is asked about it. */
	attributes: Attributes | null;
}

export class Question {
	readonly own: Attributes;
	readonly digests: readonly Buffer[];
	readonly offset: bigint;
	readonly length: bigint;
	readonly #mine: Map<string, Mine>;
	readonly #theirs = new Map<string, ListedEntry>();
	readonly #isLeftOut: (name: Buffer, isDirectory: boolean) => boolean;

	private constructor(
		own: Attributes,
		mine: Map<string, Mine>,
		leftOut: (name: Buffer, isDirectory: boolean) => boolean,
		{ digests = [] as Buffer[], offset = 0n, length = 0n } = {},
	) {
		this.own = own;
		this.#mine = mine;
		this.digests = digests;
		this.offset = offset;
		this.length = length;
		this.#isLeftOut = leftOut;
	}

	/** Entries and attributes; −errno. */
	static ofDirectory({ tree, exclusion }: Volume, ref: FileRef): Or<Question> {
		const own = lookAt(tree, ref);
		const entries = typeof own === "number" ? own : tree.list(ref);
		if (typeof own === "number" || !Array.isArray(entries)) return Number(entries);
		const leftOut = (name: Buffer, isDirectory: boolean): boolean =>
			!exclusion.empty && exclusion.excludesIn(tree, ref, name, isDirectory);
		const mine = new Map<string, Mine>();
		const result = tree.with<never>(ref, (fd) => {
			for (const { name, type } of entries) {
				if (leftOut(name, type === directoryEntry)) continue;
				const child = tree.refAt(fd, name);
				const stat = typeof child === "number" ? child : tree.system.stat(fd, name);
				// Another file system is mounted there: it is not replicated.
				if (typeof child === "number" || typeof stat === "number") continue;
				const kind = stat.mode & fileType.MASK;
				const isPlain = kind === fileType.FILE || kind === fileType.DIRECTORY;
				const attributes = isPlain ? null : lookAt(tree, child);
				if (typeof attributes === "number") continue;
				mine.set(name.toString("latin1"), { ref: child, kind, attributes });
			}
			return 0;
		});
		return result < 0 ? result : new Question(own, mine, leftOut);
	}

	/** Attributes and the digests of a range; −errno. */
	static ofFile(tree: Tree, ref: FileRef, offset: number, most: number): Or<Question> {
		return tree.withFile<Question>(ref, readOnly(tree.system), (fd) => {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") return stat;
			const length = BigInt(Math.max(0, Math.min(most, stat.size - offset)));
			const range = { offset: BigInt(offset), length, region: regionBytes };
			const digests = digestsOf(tree.system, fd, range, BigInt(stat.size));
			return new Question(attributesOf(tree, fd, stat), new Map(), () => false, {
				digests,
				offset: range.offset,
				length,
			});
		});
	}

	/** A part of the answer about a directory. */
	collect({ entries }: Extract<Message, { is: "listed" }>): void {
		for (const entry of entries) {
			const isDirectory = (entry.attributes.mode & fileType.MASK) === fileType.DIRECTORY;
			if (this.#isLeftOut(entry.name, isDirectory)) continue;
			this.#theirs.set(entry.name.toString("latin1"), { ...entry, name: Buffer.from(entry.name) });
		}
	}

	/** Every name of either side. */
	*entries(): Iterable<{ name: Buffer; mine: Mine | undefined; theirs: ListedEntry | undefined }> {
		for (const key of new Set([...this.#mine.keys(), ...this.#theirs.keys()])) {
			yield { name: Buffer.from(key, "latin1"), mine: this.#mine.get(key), theirs: this.#theirs.get(key) };
		}
	}
}

/** Everything that users see. @param size also the size, which says nothing about a directory. */
export function sameAttributes(a: Attributes, b: Attributes, size: boolean): boolean {
	const same = sameOwner(a, b) && a.rdev === b.rdev && a.mtimeNs === b.mtimeNs && a.xattrs.equals(b.xattrs);
	return same && (!size || a.size === b.size);
}
