/** A copy of more files than the other side is told to remember: what it was told to forget is introduced again. */
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Binder } from "../../core/replication/primary/binder.ts";
import { TwoTrees } from "./inProcess.ts";

const most = 24;

/** Nobody is introduced a second time. */
class Forgetful extends Binder {
	override introduction(): "search" {
		return "search";
	}
}

/** Twelve directories with more files than are remembered, small ones and some that are asked about. */
function begun(t: { teardown(fn: () => void): void }, Kind: typeof Binder): TwoTrees {
	const trees = new TwoTrees(t);
	const { application, volume, primary, dir } = trees.source;
	for (let d = 0; d < 12; d++) {
		application.make([`d${d}`], "directory");
		for (let n = 0; n < 40; n++) {
			application.make([`d${d}`, `f${n}`], "file");
			writeFileSync(join(dir, `d${d}`, `f${n}`), randomBytes(n % 10 === 0 ? 300_000 : n));
		}
	}
	(primary.binders as Binder[])[0] = new Kind(volume.tree, volume.names, most);
	trees.begin(true);
	return trees;
}

test("everything is copied although few files are remembered", (t) => {
	const trees = begun(t, Binder);
	trees.finish();
	t.deepEqual(trees.differences(), []);
	t.true(trees.sent.get("unbind")! > 400, `${trees.sent.get("unbind")}`);
	t.true(trees.sent.get("bind")! > 1);
	t.true(trees.source.primary.binders[0]!.size <= most + 1);
	// Compared once more, now that all is there.
	rmSync(join(trees.target.dir, "d3"), { recursive: true });
	trees.begin(true);
	trees.finish();
	t.deepEqual(trees.differences(), []);
});

test("negative control: without being introduced again they are missed", (t) => {
	const trees = begun(t, Forgetful);
	t.throws(() => trees.finish());
});
