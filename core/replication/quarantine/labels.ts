/**
 * Names in a quarantine: the path below the replicated directory as one name, with `%` and `/` escaped. Pure.
 */

/** Longer labels would not fit a name once a number or an offset stands behind them. */
const longestLabel = 200;

/** The label of a path below the root; null: it would be too long, or is no text. */
export function labelOfPath(path: string): string | null {
	const label = path.replaceAll("%", "%25").replaceAll("/", "%2F");
	return Buffer.byteLength(label) > longestLabel || label.includes("\ufffd") ? null : label;
}

/** A name of the root, whatever its bytes: only `%` is escaped. A name that would then be too long stays as it is. */
export function labelOfName(name: Buffer): Buffer {
	const label = Buffer.from(name.toString("latin1").replaceAll("%", "%25"), "latin1");
	return label.length > 255 ? name : label;
}

/**
 * The path, relative to the root, that a label stands for. What is no path that stays below the root (somebody else's
 * file, a name that only looks escaped) stands for itself.
 */
export function pathOfLabel(label: Buffer): Buffer {
	const text = label.toString("latin1").replaceAll("%2F", "/").replaceAll("%25", "%");
	const safe = text.split("/").every((part) => part !== "" && part !== "." && part !== "..");
	return safe ? Buffer.from(text, "latin1") : label;
}
