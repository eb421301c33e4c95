/** What is kept of files before they are overwritten, on a real file system. */
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { linuxSystem as system } from "../../core/platform/linux/libc.ts";
import { openTree } from "../../core/replication/local/setup.ts";
import { Quarantine } from "../../core/replication/quarantine/quarantine.ts";
import { makeTestFolder } from "../folder.ts";

test("two files that had the same name one after the other are both kept; so is a longer range", (t) => {
	const folder = makeTestFolder("quarantine");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	const dir = join(folder, "data");
	mkdirSync(dir);
	const tree = openTree(system, dir);
	t.teardown(() => tree.close());
	const quarantine = new Quarantine({ tree }, "0123456789abcdef");
	t.teardown(() => quarantine.close());
	const refOf = (name: string) => {
		const ref = tree.refAt(tree.rootFd, name);
		if (typeof ref === "number") throw new Error(`errno ${-ref}`);
		return ref;
	};
	for (const name of ["one", "two"]) {
		writeFileSync(join(dir, name), `content of ${name}`);
		quarantine.keep(refOf(name), "path", 0n, 4n);
	}
	writeFileSync(join(dir, "large"), "0123456789");
	truncateSync(join(dir, "large"), 100 << 20);
	quarantine.keep(refOf("large"), "large", 0n, 4n);
	quarantine.keep(refOf("large"), "large", 0n, 8n);
	const kept = join(dir, ".opensafe", "quarantine", "0123456789abcdef");
	const contents = readdirSync(kept).map((name) => readFileSync(join(kept, name), "utf8"));
	for (const expected of ["content of one", "content of two", "01234567"])
		t.true(contents.includes(expected), expected);
});
