/** Tables as one batch for `nft -f`: a transaction of the kernel, in tables of our own only. Pure. */

export interface Table {
	family: "inet" | "arp" | "netdev";
	name: string;
	sets: string[];
	chains: Chain[];
}

export interface Chain {
	name: string;
	/** Where the kernel calls it; without, other chains do. */
	hook?: string;
	rules: string[];
}

const families = ["inet", "arp", "netdev"] as const;

/**
 * All rules of the tables are replaced at once. What is in their sets stays, unless `fresh`: then nothing of what was
 * there before does.
 */
export function batchOf(tables: readonly Table[], fresh: boolean): string {
	return tables
		.map((table) => {
			const id = `${table.family} ${table.name}`;
			const before = fresh ? `table ${id}\ndelete table ${id}\n` : "";
			const declared = [
				...table.sets,
				...table.chains.map(({ name, hook }) => block(`chain ${name}`, hook ? [hook] : [])),
			];
			// nft knows chains only after the line that makes them: the rules, which name them, come second.
			const rules = table.chains
				.filter((chain) => chain.rules.length > 0)
				.map((chain) => block(`chain ${chain.name}`, chain.rules));
			return `${before}${block(`table ${id}`, declared)}\nflush table ${id}\n${block(`table ${id}`, rules)}\n`;
		})
		.join("");
}

/** Takes the tables of that name away, those that are not there too. */
export function removalOf(name: string): string {
	return families.map((family) => `table ${family} ${name}\ndelete table ${family} ${name}\n`).join("");
}

function block(head: string, lines: readonly string[]): string {
	const inner = lines.flatMap((line) => line.split("\n")).map((line) => `\t${line}`);
	return [`${head} {`, ...inner, "}"].join("\n");
}

/** Numbers in ascending order as nft writes a set: `{ 0-5, 9 }`. */
export function rangesOf(numbers: readonly number[]): string {
	const ranges: [number, number][] = [];
	for (const number of numbers) {
		const last = ranges.at(-1);
		if (last !== undefined && last[1] === number - 1) last[1] = number;
		else ranges.push([number, number]);
	}
	return listOf(ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)));
}

export function listOf(elements: readonly string[]): string {
	return `{ ${elements.join(", ")} }`;
}
