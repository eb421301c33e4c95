/** Lets a person's declaration (records/declared.ts) count: first the records, then the marks. */
import { SafekitError } from "../../errors.ts";
import type { Keeper } from "../marks/keeper.ts";
import { type Declaration, declaredRecords, isDeclared, uidShape } from "../records/declared.ts";
import type { Context } from "./context.ts";
import type { ReplicationNode } from "./node.ts";

/** Changes by hand that are looked for begin so long before the declaration: the disk's clock goes in steps of 10 ms. */
const earlierMs = 100;

/**
 * Records first: interrupted after them, old copies are compared whole, and marks say too much for the new one.
 * Given twice, it counts once. @throws SafekitError RFS_SYNC when it cannot be true now.
 */
export function declare(context: Context, node: ReplicationNode, keeper: Keeper, given: Declaration): void {
	const { records } = context;
	check(given);
	if (isDeclared(records.now, given)) return;
	const alone = node.serving && node.primary.mode === "alone";
	if (node.engaged || (node.serving && !(alone && given.role === "prim")))
		throw refused("the other server is being synchronized, or was a moment ago");
	const change = declaredRecords(records.now, given);
	if (typeof change === "string") throw refused(change);
	records.change(change, given.role === "second");
	followMoves(context);
	keeper.begin(node.serving || !given.detect ? null : BigInt(given.atMs - earlierMs) * 1_000_000n);
}

/** Until a session has followed the declaration, the other copy knows files by their names. */
export function followMoves({ records, volumes }: Context): void {
	const { declared } = records.now;
	for (const { marks } of volumes) marks.byName = declared?.role === "prim" && declared.open;
}

function check({ role, uid, atMs, detect }: Declaration): void {
	const isOne = (role === "prim" || role === "second") && typeof uid === "string" && uidShape.test(uid);
	if (!isOne || !Number.isSafeInteger(atMs) || atMs < 0 || typeof detect !== "boolean")
		throw new SafekitError("REPLICATION_ORDER", "a declaration that is none");
}

function refused(message: string): SafekitError {
	return new SafekitError("RFS_SYNC", `The copies cannot be declared to be the same: ${message}.`);
}
