/** Which files of a marked directory are compared whole: those whose id is not older than the mark. Pure. */

import { isYoung as coveredBy } from "../marks/mark.ts";
import type { FileId } from "../operation.ts";

/** What is to be compared of a directory, besides its entries and its own attributes. */
export interface DirectoryWork {
	/** Every file in it, whole. */
	all: boolean;
	/** Every file in it whose id is not older than this; one for each side that has a mark. */
	since: readonly FileId[];
	/** Everything below it. */
	subtree: boolean;
	/** Names and attributes below it; contents where those differ, or marks say so. */
	walk: boolean;
	/** It is to be compared at all. */
	wanted: boolean;
	/** The target was told to have it and has not said yet how it came to it. */
	placing: boolean;
}

const nothing: DirectoryWork = { all: false, since: [], subtree: false, walk: false, wanted: false, placing: false };
const mostSince = 8;

/** Both together; always a new object, so that a comparison that runs sees that there is more to do. */
export function mergedWork(a: DirectoryWork | undefined, b: Partial<DirectoryWork>): DirectoryWork {
	const one = a ?? nothing;
	const since = [...new Set([...one.since, ...(b.since ?? [])])];
	return {
		all: one.all || b.all === true || since.length > mostSince,
		since: since.slice(0, mostSince),
		subtree: one.subtree || b.subtree === true,
		walk: one.walk || b.walk === true,
		wanted: one.wanted || b.wanted === true,
		placing: b.placing ?? one.placing,
	};
}

/** A file with this id ("": none) is compared whole. */
export function isYoung(work: DirectoryWork, id: FileId): boolean {
	return isWhole(work) || id === "" || isNew(work, id);
}

/** Every file in it is compared whole. */
export function isWhole(work: DirectoryWork): boolean {
	return work.all || work.subtree;
}

/** Created since one of the marks: no other directory can have held it before. */
export function isNew(work: DirectoryWork, id: FileId): boolean {
	return work.since.some((since) => coveredBy(id, since));
}
