import { closeSync, fsyncSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "ava";
import { hasLoop, loopReason, mountDisk } from "../disks.ts";
import { compareTrees } from "../replication/treeCompare.ts";
import { dataPair } from "./dataPair.ts";
import type { Server } from "./server.ts";

const declare = hasLoop ? test.serial : test.serial.skip;
const megabyte = Buffer.alloc(1 << 20, "something that fills a disk ");
const stateOf = (server: Server) => JSON.parse(server.ok("state", "-m", "m", "--json")).modules[0];

/** n1 is the primary, n2 the secondary. */
async function together(n1: Server, n2: Server): Promise<void> {
	n1.ok("prim", "-m", "m");
	n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
	n2.ok("second", "-m", "m");
	n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
}

/** Megabytes into a new file. */
function fill(file: string, count: number, written: (megabytes: number) => void = () => {}): void {
	const fd = openSync(file, "w");
	try {
		for (let n = 1; n <= count; n++) {
			writeSync(fd, megabyte);
			written(n);
		}
		fsyncSync(fd);
	} finally {
		closeSync(fd);
	}
}

/** Both stopped: what lies below the mounts. */
function differences(n1: Server, n2: Server, dirs: [string, string]): string[] {
	for (const server of [n2, n1]) {
		server.ok("stop", "-m", "m");
		server.ok("waitstop", "-m", "m", "--timeout", "60");
	}
	return compareTrees(dirs[0], dirs[1]);
}

declare(
	`the secondary's disk is full: the primary goes on, and both are the same once there is room${loopReason}`,
	async (t) => {
		const { n1, n2, dirs } = await dataPair(t, "", 3000, (server, dir) => {
			if (server.name === "n2") mountDisk(t, server.folder, dirname(dir), { size: 64, room: 80 });
		});
		const filler = join(dirname(dirs[1]), "filler");
		await together(n1, n2);
		fill(filler, 30);
		const began = Date.now();
		fill(join(dirs[0], "large"), 40);
		t.true(Date.now() - began < 60_000, "within the timeouts");
		n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
		await n2.until(() => stateOf(n2).state === "WAIT" && stateOf(n2).status === "NotReady");
		t.regex(stateOf(n2).why, /ENOSPC.*tried again in a minute/s);
		t.regex(n2.log("m"), /\| E \| .*ENOSPC.*tried again in a minute/);
		t.regex(n1.log("m"), /\| E \| The other server cannot apply a change: write: ENOSPC/);
		writeFileSync(join(dirs[0], "small"), "the application goes on");
		rmSync(filler);
		// The try after a minute has its golden file; a person need not wait for it.
		n2.ok("stop", "-m", "m");
		n2.ok("waitstop", "-m", "m", "--timeout", "30");
		n2.ok("start", "-m", "m");
		n2.ok("waitstate", "-m", "m", "SECOND", "--timeout", "120");
		n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
		t.is(readFileSync(join(dirs[1], "small"), "utf8"), "the application goes on");
		t.deepEqual(differences(n1, n2, dirs), []);
	},
);

declare(`the primary's disk is full: the application hears it, and the servers stay a pair${loopReason}`, async (t) => {
	const { n1, n2, dirs } = await dataPair(t, "", 3000, (server, dir) => {
		if (server.name === "n1") mountDisk(t, server.folder, dirname(dir), { size: 40, room: 60 });
	});
	await together(n1, n2);
	t.throws(() => fill(join(dirs[0], "large"), 60), { code: "ENOSPC" });
	t.throws(() => writeFileSync(join(dirs[0], "next"), megabyte), { code: "ENOSPC" });
	t.is(n1.state("m"), "PRIM Ready");
	t.is(n2.state("m"), "SECOND Ready");
	rmSync(join(dirs[0], "large"));
	writeFileSync(join(dirs[0], "small"), "there is room again");
	t.is(n1.state("m"), "PRIM Ready");
	t.deepEqual(differences(n1, n2, dirs), []);
});

declare(`the primary's disk fails: the other server takes over with everything${loopReason}`, async (t) => {
	const { n1, n2, dirs } = await dataPair(t, "", 3000, (server, dir) => {
		if (server.name === "n1") mountDisk(t, server.folder, dirname(dir), { size: 200, room: 24 });
	});
	await together(n1, n2);
	let acknowledged = 0;
	const write = (): void => fill(join(dirs[0], "large"), 40, (megabytes) => (acknowledged = megabytes));
	t.throws(write);
	n2.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
	// The failure may be found before the application asks for its sync.
	const { size } = statSync(join(dirs[1], "large"));
	t.true(size >= acknowledged << 20, `${size} bytes of ${acknowledged} MiB`);
	await n1.until(() => stateOf(n1).state === "WAIT" && stateOf(n1).status === "NotReady");
	t.regex(stateOf(n1).why, /disk under the replicated directories failed: repair it/);
	t.regex(n1.log("m"), /\| E \| The disk under the replicated directories fails/);
});

declare(`the secondary's disk fails: the application does not notice, and the log says so${loopReason}`, async (t) => {
	const { n1, n2, dirs } = await dataPair(t, "", 3000, (server, dir) => {
		if (server.name === "n2") mountDisk(t, server.folder, dirname(dir), { size: 200, room: 24 });
	});
	await together(n1, n2);
	t.notThrows(() => fill(join(dirs[0], "large"), 40));
	n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
	t.regex(n2.log("m"), /\| E \| .*(EIO|ENOSPC)/);
	t.not(n2.state("m"), "SECOND Ready");
	writeFileSync(join(dirs[0], "small"), "the application goes on");
});
