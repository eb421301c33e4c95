/** What the random test runs on: one process that repeats everything itself, or a real pair of servers. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Mounted } from "../../replication/fuse/mounted.ts";
import { Pair, shows } from "../../replication/pair.ts";
import type { Subject } from "./driver.ts";

export interface RunningSubject extends Subject {
	/** Unmounts; throws when that cannot be done cleanly. */
	end(): Promise<void>;
	clean(): void;
}

export async function mountedSubject(): Promise<RunningSubject> {
	const mounted = new Mounted();
	try {
		await mounted.start({ acl: true });
	} catch (error) {
		mounted.clean();
		throw error;
	}
	return {
		mount: mounted.dir,
		native: mounted.native,
		replica: async () => mounted.copy,
		problems: async () => (await mounted.report()).problems,
		end: () => mounted.stop(),
		clean: () => mounted.clean(),
	};
}

/** Two replication processes with a link between them. */
export async function pairSubject(t: { teardown(fn: () => Promise<void>): void }): Promise<RunningSubject> {
	const pair = await Pair.make(t, { acl: true });
	await pair.up();
	const { a, b } = pair;
	const native = join(pair.root, "native");
	mkdirSync(native);
	let marks = 0;
	const mark = async () => {
		// On both, so that the two trees stay the same.
		marks++;
		for (const dir of [a.dir, native]) writeFileSync(join(dir, "mark"), String(marks));
		if (!(await shows(join(b.dir, "mark"), String(marks)))) throw new Error(`not replicated\n${b.story()}`);
		return b.dir;
	};
	return {
		mount: a.dir,
		native,
		replica: mark,
		problems: async () =>
			[...a.facts, ...b.facts]
				.map((fact) => JSON.stringify(fact))
				.filter((fact) => /"(applyF|diskF|f)ailed"|"died"/.test(fact)),
		end: async () => {
			await a.ask({ order: "seal" }, "sealed");
			for (const node of [b, a]) await node.ask({ order: "close" }, "closed");
		},
		clean: () => {},
	};
}
