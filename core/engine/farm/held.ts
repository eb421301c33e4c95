/**
 * What this node may accept. A view is given to the filter, which confirms it later: until then any of the views on the
 * way may be in force. Only what none of them has counts as released.
 */
import { bitsOf, hasBit } from "./bits.ts";
import { buckets, type FarmGroup } from "./group.ts";
import type { Owners } from "./proposal.ts";

/** For each group the own buckets. */
export type Held = readonly (readonly boolean[])[];

export function heldFrom(groups: readonly FarmGroup[], bits: Readonly<Record<string, string>>): Held {
	return groups.map(({ name }) => Array.from({ length: buckets }, (_, at) => hasBit(bits[name] ?? "", at)));
}

export function heldAs(groups: readonly FarmGroup[], held: Held): Record<string, string> {
	return Object.fromEntries(groups.map(({ name }, group) => [name, bitsOf(held[group] ?? [])]));
}

export function nothing(held: Held): Held {
	return held.map((own) => own.map(() => false));
}

/** What is left of it under these owners. */
export function keptOf(held: Held, owners: Owners, node: number): Held {
	return held.map((own, group) => own.map((on, at) => on && owners[group]?.[at] === node));
}

export function allOf(owners: Owners, node: number): Held {
	return owners.map((group) => group.map((owner) => owner === node));
}

export function holdsAny(held: Held): boolean {
	return held.some((own) => own.includes(true));
}

export function within(held: Held, owners: Owners, node: number): boolean {
	return held.every((own, group) => own.every((on, at) => !on || owners[group]?.[at] === node));
}

export function sameHeld(a: Held, b: Held): boolean {
	return a === b || a.every((own, group) => own.every((on, at) => on === b[group]?.[at]));
}

/** The filter's state, as far as it is known. */
export class Filter {
	/** The first one is confirmed, each of the others may be in force. */
	#given: { version: number; held: Held }[];

	constructor(before: Held) {
		this.#given = [{ version: 0, held: before }];
	}

	give(version: number, held: Held): void {
		const last = this.#given.at(-1);
		// What asks for the same needs no place of its own.
		if (last !== undefined && this.#given.length > 1 && sameHeld(last.held, held)) last.version = version;
		else this.#given.push({ version, held });
	}

	/** True if the version is one that was given: everything before it is over. */
	confirm(version: number): boolean {
		const at = this.#given.findLastIndex((given) => given.version <= version);
		if (at <= 0) return false;
		this.#given = this.#given.slice(at);
		return true;
	}

	/** Is there nothing in force, for certain, that these owners give to another? */
	released(owners: Owners, node: number): boolean {
		return this.#given.every(({ held }) => within(held, owners, node));
	}

	/** Is any of it not in force, as far as is known? */
	lacks(wanted: Held): boolean {
		const held = this.#given[0]?.held;
		return wanted.some((own, group) => own.some((on, at) => on && held?.[group]?.[at] !== true));
	}

	/** Everything that was given is in force. */
	get obeys(): boolean {
		return this.#given.length === 1;
	}

	/** Nothing is accepted, for certain. */
	get empty(): boolean {
		return !this.#given.some(({ held }) => holdsAny(held));
	}
}
