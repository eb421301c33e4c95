/**
 * Invariant 5, at every instant: whatever may differ between the two disks (in what they show, or in what a power loss
 * now would leave) has a durable mark on one of them, unless the two would compare everything when they meet.
 */
import { meet } from "../../core/engine/meeting.ts";
import { keyCount } from "./disk.ts";
import type { Replica } from "./replica.ts";

/** The file that may differ and that nobody would look at; null: there is none. */
export function unmarkedDifference(a: Replica, b: Replica): number | null {
	for (let key = 0; key < keyCount; key++) {
		const value = a.disk.memory[key];
		const same = value === b.disk.memory[key] && value === a.disk.stable[key] && value === b.disk.stable[key];
		if (same || a.disk.marks.has(key) || b.disk.marks.has(key)) continue;
		if (a.disk.byHand.has(key) || b.disk.byHand.has(key)) continue;
		return wouldCompareAll(a, b) ? null : key;
	}
	return null;
}

function wouldCompareAll(a: Replica, b: Replica): boolean {
	const side = ({ host, records, serving }: Replica) => ({ node: host.name, records, serves: serving, fullsync: null });
	const meeting = meet(side(a), side(b));
	// Refused: a person decides, and with `fullsync` or by force everything is compared.
	return !meeting.go || meeting.everything;
}
