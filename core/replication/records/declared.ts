/**
 * A person's word on the two copies (`rfssync`, spec/06 §3): this one is what a backup named `uid` is made of, or it
 * was restored from that backup. The name becomes the line of data that both have in common, so that a meeting is
 * decided as ever; a copy from before the declaration is older than that, and is compared whole. Pure.
 */
import { createHash } from "node:crypto";
import type { Epoch } from "../../engine/replication.ts";
import { newEpochId, type StoredRecords } from "./node.ts";

export interface Declaration {
	/** `prim`: the copy is made of this data; `second`: this is the copy. */
	role: "prim" | "second";
	/** Names the backup: 1 to 24 characters. */
	uid: string;
	/** When it was said, wall clock; tells one declaration from another, so that each counts once. */
	atMs: number;
	/** What was changed by hand since then is looked for. */
	detect: boolean;
}

const historyLength = 8;

/** Letters, digits and `_ . : @ -`, at most 24. */
export const uidShape = /^[\w.:@-]{1,24}$/;

/** The line of data that a backup stands for. */
export function lineOf(uid: string): string {
	return createHash("sha256").update(`opensafe backup ${uid}`).digest("hex").slice(0, 16);
}

/** This declaration counts already. */
export function isDeclared({ declared }: Readonly<StoredRecords>, { atMs, role }: Declaration): boolean {
	return declared?.atMs === atMs && declared.role === role;
}

/** What the records become, or a sentence why not. A new term: what was decided before must not be carried out. */
export function declaredRecords(now: Readonly<StoredRecords>, given: Declaration): Partial<StoredRecords> | string {
	const line = lineOf(given.uid);
	const term = now.term + 1;
	const declared = { role: given.role, atMs: given.atMs, term, open: true };
	if (given.role === "second") {
		// Whatever the restored directory says of itself is what the primary said of itself.
		return {
			...{ tree: newEpochId(), term, declared, seal: { term, seq: 0 } },
			epoch: { current: line, base: line, history: [] },
			role: { was: "secondary", sinceTerm: term },
			...{ alone: null, copying: false, keeping: false, checkpoint: { own: 0, peer: 0 } },
		};
	}
	if (now.copying) return "this copy was interrupted half way, so no other can be made of it";
	const { epoch } = now;
	if (epoch !== null && known(epoch).includes(line)) return `a backup ${given.uid} was declared before`;
	const history = epoch === null ? [] : [...new Set(known(epoch))].slice(0, historyLength);
	const alone = now.alone === null ? {} : { alone: { term } };
	// Copies from before are older than the backup: not behind, where marks would tell what to compare.
	const checkpoint = { own: now.checkpoint.own, peer: 0 };
	return { term, declared, checkpoint, ...alone, epoch: { current: newEpochId(), base: line, history } };
}

const known = ({ current, base, history }: Epoch): string[] => [current, base, ...history];
