/** A test that is in the middle of something: a mount, and a process of its own that stays. Run by folder.test.ts. */
import { spawn } from "node:child_process";
import { Mounted } from "./replication/fuse/mounted.ts";

const mounted = new Mounted();
await mounted.start();
const sleeper = spawn("sleep", ["600"], { cwd: mounted.native, detached: true, stdio: "ignore" });
const said = { folder: mounted.base, mounted: mounted.dir, process: mounted.process?.pid, sleeper: sleeper.pid };
process.stdout.write(`${JSON.stringify(said)}\n`);
