/** Commands for other servers that take long, and servers that fall silent. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { cluster, install, light, scripts } from "./distributedSite.ts";
import type { Server } from "./server.ts";

test.serial("a command may take longer than a server may be silent", async (t) => {
	const { servers } = await cluster(t, 2);
	const [n1, n2] = servers as [Server, Server];
	install(n2, "m", light, scripts);
	n2.ok("config", "-m", "m");
	n2.ok("start", "-m", "m");
	n2.ok("waitstate", "-m", "m", "UP");
	const from = performance.now();
	const waited = n1.run("-H", "n2", "waitstop", "-m", "m", "--timeout", "70");
	t.is(waited.code, 5);
	t.regex(waited.err, /Module 'm' is in state UP Ready/);
	t.true(performance.now() - from > 69_000);
	n2.ok("shutdown");
});

test.serial("a server that stands still counts as gone after a while, and the others are not kept", async (t) => {
	const { servers } = await cluster(t, 2);
	const [n1, n2] = servers as [Server, Server];
	install(n2, "m", light, scripts);
	n2.ok("config", "-m", "m");
	n2.ok("start", "-m", "m");
	const asking = n1.background("-H", "*", "waitstop", "-m", "m");
	await n2.until(() => /START \| waitstop/.test(n2.run("cmdlog").out));
	const pid = Number(readFileSync(join(n2.safevar, "run/daemon.pid"), "utf8"));
	process.kill(pid, "SIGSTOP");
	const from = performance.now();
	const answer = await asking;
	t.is(answer.code, 5);
	t.regex(answer.err, /n2 \(.*\) has not been heard for 30 s\./);
	t.true(performance.now() - from > 25_000);
	process.kill(pid, "SIGCONT");
	n2.ok("shutdown");
});
