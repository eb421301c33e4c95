/** Sets of small numbers as hex digits, the lowest four in the first digit: buckets, nodes and groups in messages. */

/** The set of those numbers at which `on` is true. */
export function bitsOf(on: readonly boolean[]): string {
	let text = "";
	for (let at = 0; at < on.length; at += 4) {
		const digit = [0, 1, 2, 3].reduce((sum, n) => sum + (on[at + n] === true ? 1 << n : 0), 0);
		text += digit.toString(16);
	}
	return text;
}

/** Is the number in the set? A set that is too short does not have it. */
export function hasBit(bits: string, at: number): boolean {
	const code = bits.charCodeAt(at >> 2);
	// Digits end at 57; what is beyond the end is not a number, and no bit of it is set.
	const digit = code > 57 ? code - 87 : code - 48;
	return ((digit >> (at & 3)) & 1) === 1;
}

/** What is in one of the two sets. */
export function eitherBits(one = "", two = ""): string {
	const digits = Array.from({ length: Math.max(one.length, two.length) }, (_, at) =>
		(Number.parseInt(one[at] ?? "0", 16) | Number.parseInt(two[at] ?? "0", 16)).toString(16),
	);
	return digits.join("");
}

/** Is it such a set, of numbers below `count`? */
export function isBits(value: unknown, count: number): value is string {
	return typeof value === "string" && value.length <= Math.ceil(count / 4) && /^[0-9a-f]*$/.test(value);
}
