/** Times as authors write them. */

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A time: milliseconds, or a number with its unit `ms`, `s`, `m` (or `min`), `h` or `d`.
 *
 * @example "500ms", "30s", "5m", "24h", "7d", 250
 */
export type Time = number | `${number}${"ms" | "s" | "m" | "min" | "h" | "d"}`;

/** @throws TypeError for what is no time. */
export function millisecondsOf(time: Time): number {
	if (typeof time === "number" && time >= 0) return time;
	const match = /^(\d+(?:\.\d+)?)(ms|s|m|min|h|d)$/.exec(String(time));
	const unit = units[match?.[2] ?? ""];
	if (match === null || unit === undefined)
		throw new TypeError(`'${time}' is no time; write for example "500ms", "30s", "5m" or "24h".`);
	return Number(match[1]) * unit;
}

/** `1 h 30 min`, `2 s`, `150 ms`: at most the two largest units. */
export function timeInWords(ms: number): string {
	const parts: string[] = [];
	let left = Math.round(ms);
	for (const [name, size] of [
		["d", 86_400_000],
		["h", 3_600_000],
		["min", 60_000],
		["s", 1000],
		["ms", 1],
	] as const) {
		if (left >= size) parts.push(`${Math.floor(left / size)} ${name}`);
		left %= size;
	}
	return parts.slice(0, 2).join(" ") || "0 s";
}
