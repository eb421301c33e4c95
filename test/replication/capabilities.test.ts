/** What a program may do (security.capability) is taken away by the kernel when its owner is set, or when it is written. */
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { linuxSystem } from "../../core/platform/linux/libc.ts";
import { TwoTrees } from "./inProcess.ts";

/** cap_net_bind_service, permitted and effective. */
const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
const attribute = Buffer.from("security.capability");

/** Gives it to a file, if it is named, and returns what the file has. */
function capabilityOf(file: string, given?: Buffer): Buffer | number {
	const fd = openSync(file, "r");
	if (given !== undefined) linuxSystem.setxattr(fd, attribute, given, 0);
	const found = linuxSystem.getxattr(fd, attribute);
	closeSync(fd);
	return found;
}

for (const [title, bytes] of [
	["a small program", 20_000],
	["a large program", 300_000],
] as const) {
	test(`${title} keeps its capabilities, also where it is there already`, (t) => {
		const trees = new TwoTrees(t);
		const [own, theirs] = [trees.source, trees.target].map(({ dir }) => join(dir, "program")) as [string, string];
		trees.source.application.make(["program"], "file");
		writeFileSync(own, randomBytes(bytes));
		chownSync(own, 1000, 1000);
		chmodSync(own, 0o755);
		t.deepEqual(capabilityOf(own, capability), capability);
		trees.begin(true);
		trees.finish();
		t.deepEqual(trees.differences(), []);
		t.deepEqual(capabilityOf(theirs), capability);
		writeFileSync(theirs, "something else");
		trees.begin(true);
		trees.finish();
		t.deepEqual(trees.differences(), []);
		t.deepEqual(capabilityOf(theirs), capability);
	});
}
