/** The eight groups of an IPv6 address, however it is written; a zone is left out. */
export function groupsOf(addr: string): number[] {
	const plain = new URL(`http://[${addr.split("%")[0]}]/`).hostname.slice(1, -1);
	const [head = "", tail] = plain.split("::");
	const read = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
	if (tail === undefined) return read(head);
	const [before, after] = [read(head), read(tail)];
	return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
