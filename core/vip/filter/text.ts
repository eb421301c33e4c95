/** Tables as one batch for `nft -f`: a transaction of the kernel, in tables of our own only. Pure. */
import type { SetContent } from "../addresses.ts";

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

/** Of all tables of a filter. */
export const families = ["inet", "arp", "netdev"] as const;

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

/** A set of numbers below 256, such as buckets. */
export function numberSet(name: string): string {
	return `set ${name} {\n\ttypeof numgen inc mod 256\n\tsize 256\n}`;
}

/** What the sets shall hold, and nothing else, as commands. */
export function fillingOf(contents: readonly SetContent[]): string {
	return contents
		.map(({ family, table, set, numbers }) => {
			const id = `${family} ${table} ${set}`;
			return `flush set ${id}\n${numbers.length === 0 ? "" : `add element ${id} ${listOf(numbers.map(String))}\n`}`;
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

export function listOf(elements: readonly string[]): string {
	return `{ ${elements.join(", ")} }`;
}
