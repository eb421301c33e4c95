import { readdir, rm } from "node:fs/promises";
import test from "ava";
import { fileSystemProbe } from "../../core/platform/linux/filesystem.ts";
import { makeTestFolder } from "../folder.ts";

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot("the disk under the temporary folder offers what replication needs, and nothing is left on it", async (t) => {
	const folder = makeTestFolder("probe");
	t.teardown(() => rm(folder, { recursive: true, force: true }));
	const offers = await fileSystemProbe.probe(folder);
	t.log(offers.type);
	if (["ext4", "xfs", "btrfs"].includes(offers.type)) t.like(offers, { fileHandles: true, trustedXattrs: true });
	else t.pass("another file system");
	t.deepEqual(await readdir(folder), []);
});

test("a file system that cannot be written, or a folder that is none, offers nothing", async (t) => {
	for (const folder of ["/proc", "/no/such/folder"]) {
		t.like(await fileSystemProbe.probe(folder), { fileHandles: false, trustedXattrs: false });
	}
});
