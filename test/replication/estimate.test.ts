import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { ReplicationFact } from "../../core/engine/replication.ts";
import { linuxSystem as system } from "../../core/platform/linux/libc.ts";
import type { Context } from "../../core/replication/control/context.ts";
import { openTree } from "../../core/replication/local/setup.ts";
import type { MarkList } from "../../core/replication/marks/mark.ts";
import { estimate } from "../../core/replication/resync/estimate.ts";
import { makeTestFolder } from "../folder.ts";

function prepare(t: ExecutionContext) {
	const folder = makeTestFolder("estimate");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	const dir = join(folder, "data");
	mkdirSync(join(dir, "new/below"), { recursive: true });
	writeFileSync(join(dir, "large"), Buffer.alloc(20 << 20));
	writeFileSync(join(dir, "whole"), Buffer.alloc(3000));
	for (let n = 0; n < 5; n++) writeFileSync(join(dir, "new", `${n}`), Buffer.alloc(1000));
	writeFileSync(join(dir, "new/below/deep"), Buffer.alloc(500));
	const tree = openTree(system, dir);
	t.teardown(() => tree.close());
	const refOf = (name: string) => {
		const ref = tree.refAt(tree.rootFd, name);
		if (typeof ref === "number") throw new Error(`errno ${-ref}`);
		return ref;
	};
	const count = (list: MarkList) => {
		const facts: ReplicationFact[] = [];
		const loop = {
			now: () => 0,
			idle(slice: () => boolean) {
				while (slice());
			},
		};
		estimate({ volumes: [{ tree, marks: { list: () => list } }], loop } as unknown as Context, (fact) =>
			facts.push(fact),
		);
		return facts[0];
	};
	return { refOf, count };
}

const file = { hint: 0n, whole: false, attributes: false, chunks: [] };

test("marked chunks, whole files and directories are counted, each file once", (t) => {
	const { refOf, count } = prepare(t);
	const files = [
		{ ...file, file: refOf("large"), chunks: [1, 3] },
		{ ...file, file: refOf("whole"), whole: true },
		{ ...file, file: refOf("new/0"), attributes: true },
	];
	const directories = [{ directory: refOf("new"), since: null, subtree: false }];
	const fact = { fact: "estimated", everything: false };
	t.deepEqual(count({ everything: false, files, directories: [] }), {
		...fact,
		directories: 0,
		files: 3,
		bytes: (8 << 20) + 3000,
	} as never);
	t.deepEqual(count({ everything: false, files, directories }), {
		...fact,
		directories: 1,
		files: 7,
		bytes: (8 << 20) + 3000 + 4000,
	} as never);
	const subtree = [{ directory: refOf("new"), since: null, subtree: true }];
	t.deepEqual(count({ everything: false, files: [], directories: subtree }), {
		...fact,
		directories: 2,
		files: 6,
		bytes: 5500,
	} as never);
	t.deepEqual(count({ everything: false, files: [], directories: [] }), {
		...fact,
		directories: 0,
		files: 0,
		bytes: 0,
	} as never);
});

test("without marks the file system is counted", (t) => {
	const found = prepare(t).count({ everything: true, files: [], directories: [] });
	t.like(found, { everything: true, directories: 0 });
	t.true(found?.fact === "estimated" && found.files > 8 && found.bytes > 20_000_000);
});
