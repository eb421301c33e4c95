/** Programs of custom checkers: started again when they die, ended with all that they started. */

import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { CustomChecker, type ProgramHands } from "../../core/checkers/custom.ts";
import { systemClock } from "../../core/log/clock.ts";
import { linuxScripts } from "../../core/platform/linux/scripts.ts";
import { startTimeOf } from "../../core/platform/linux/server.ts";
import { killScript } from "../../core/scripts/kill.ts";
import { makeTestFolder } from "../folder.ts";
import { wholeLines } from "../lines.ts";

function place(t: ExecutionContext, script: string) {
	const folder = makeTestFolder("custom");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	const file = join(folder, "check.sh");
	writeFileSync(file, `#!/bin/sh\n${script}\n`);
	chmodSync(file, 0o755);
	const hands: ProgramHands = {
		async start() {
			const options = { args: [], cwd: folder, env: { PATH: process.env.PATH ?? "" }, output: null };
			const { pid, startTime, exited } = await linuxScripts.start(file, options);
			return { pid, startTime, ended: exited };
		},
		adopt: () => null,
		end: async (program) => void (await killScript(linuxScripts, program)),
	};
	const logged: string[] = [];
	const options = {
		hands,
		log: (_: string, text: string) => logged.push(text),
		runs: () => {},
		backOffMs: { first: 100, most: 400 },
	};
	const lines = (name: string): string[] => wholeLines(join(folder, name));
	return { file, options, logged, lines };
}

async function until(what: () => boolean): Promise<void> {
	for (let waited = 0; !what(); waited++) {
		if (waited > 600) throw new Error(`not within 30 s: ${what}`);
		await sleep(50);
	}
}

const lives = (pid: string): boolean => startTimeOf(Number(pid)) !== null;

test("one that dies is started again, ever more slowly; what it had started does not stay beside the next", async (t) => {
	const { options, logged, lines } = place(t, 'sleep 1000 & echo "$!" >> children; echo begun >> begun');
	const checker = new CustomChecker({ clock: systemClock, ...options });
	await until(() => lines("begun").length >= 4);
	await checker.stop();
	const begun = lines("begun").length;
	await until(() => lines("children").every((pid) => !lives(pid)));
	await sleep(600);
	t.is(lines("begun").length, begun, "a stopped one stays stopped");
	t.is(logged[0], "ended; it is started again in 0 s");
	t.true(logged.length >= 3);
});

test("it is ended with its children, also when it does not want to", async (t) => {
	const { options, lines } = place(t, 'trap "" TERM\nsleep 1000 & echo "$! $$" > pids; while true; do sleep 1; done');
	const checker = new CustomChecker({ clock: systemClock, ...options });
	await until(() => lines("pids").length === 1);
	await checker.stop();
	for (const pid of (lines("pids")[0] ?? "").split(" ")) t.false(lives(pid), pid);
});

test("a program that is not there is told, and found when it comes", async (t) => {
	const { file, options, logged, lines } = place(t, "echo begun >> begun; sleep 1000");
	chmodSync(file, 0o644);
	const checker = new CustomChecker({ clock: systemClock, ...options });
	await until(() => logged.length > 0);
	t.regex(logged[0] ?? "", /^could not be started: .*EACCES/);
	chmodSync(file, 0o755);
	await until(() => lines("begun").length === 1);
	await checker.stop();
});
