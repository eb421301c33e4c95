/** Of a command that is called `nft`, and is not that of nftables, nothing is believed. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { nftTables } from "../../core/platform/linux/nft.ts";
import { makeTestFolder } from "../folder.ts";

test.serial("a program of that name that lists no tables is reported", async (t) => {
	const folder = makeTestFolder("nft");
	writeFileSync(join(folder, "nft"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
	const { PATH } = process.env;
	process.env.PATH = `${folder}:${PATH}`;
	t.teardown(() => {
		process.env.PATH = PATH;
		rmSync(folder, { recursive: true });
	});
	await t.throwsAsync(nftTables(["inet"], "opensafe_1"), { message: /is not that of nftables/ });
});
