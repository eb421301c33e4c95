/** A test that is in the middle of something: a mount, and a process of its own that stays; `clean`: one that just begins. */
import { spawn } from "node:child_process";
import { diskFolder, removeAbandonedFolders } from "./folder.ts";
import { Mounted } from "./replication/fuse/mounted.ts";

if (process.argv[2] === "clean") removeAbandonedFolders(diskFolder);
else {
	const name = `mounted by ${process.pid}`;
	const mounted = new Mounted(name);
	await mounted.start();
	const sleeper = spawn("sleep", ["600"], { cwd: mounted.native, detached: true, stdio: "ignore" });
	const said = { folder: mounted.base, mounted: `/${name}`, process: mounted.process?.pid, sleeper: sleeper.pid };
	process.stdout.write(`${JSON.stringify(said)}\n`);
}
