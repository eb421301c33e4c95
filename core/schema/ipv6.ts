import { isIPv6 } from "node:net";

/**
 * One spelling for every address: IPv6 as the kernel writes it (RFC 5952), a zone as given. What is no IPv6 address stays
 * as it is.
 */
export function spelled(addr: string): string {
	const [plain = "", zone] = addr.split("%");
	if (!isIPv6(plain)) return addr;
	const text = new URL(`http://[${plain}]/`).hostname.slice(1, -1);
	return zone === undefined ? text : `${text}%${zone}`;
}

/** Without its zone and in one spelling: two texts of the same address are the same. */
export function unzoned(addr: string): string {
	return spelled(addr).split("%")[0] ?? "";
}

/** The eight groups of an IPv6 address, however it is written; a zone is left out. */
export function groupsOf(addr: string): number[] {
	const [head = "", tail] = unzoned(addr).split("::");
	const read = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
	if (tail === undefined) return read(head);
	const [before, after] = [read(head), read(tail)];
	return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
