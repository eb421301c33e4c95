/** Tests in a lab: skipped with the reason where no lab can be, one at a time on the machine, closed in the end. */
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { Lab, type LabOptions } from "../../sdk/lab/lab.ts";
import { describeMissing, hasProgram, missingForLab } from "../../sdk/lab/prerequisites.ts";

export interface LabTest extends LabOptions {
	/** What the test has, without the wait for other labs. Default 3 minutes. */
	withinMs?: number;
	/** Programs that it needs beside those of every lab. */
	needs?: string[];
}

const missing = await missingForLab();

/** Declares a test that gets a lab of its own. */
export function labTest(title: string, options: LabTest, body: (t: ExecutionContext, lab: Lab) => Promise<void>): void {
	const reason = whyNot(options.needs ?? []);
	if (reason !== null) {
		test.serial.skip(`${title} (skipped: ${reason})`, (t) => t.pass());
		return;
	}
	test.serial(title, async (t) => {
		t.timeout(60 * 60_000, "waiting for other labs on this machine");
		const release = await takeMachine();
		t.timeout(options.withinMs ?? 3 * 60_000);
		try {
			const lab = await Lab.open(options);
			try {
				await body(t, lab);
			} finally {
				await lab.close();
			}
		} finally {
			release();
		}
	});
}

function whyNot(needs: string[]): string | null {
	if (missing.length > 0) return describeMissing(missing).replaceAll("\n", " ");
	const absent = needs.filter((name) => !hasProgram(name) && !hasProgram(`../lib/${name}`));
	return absent.length === 0 ? null : `${absent.join(", ")} not installed`;
}

/** An abstract socket is held by one process at most, and let go when that process dies, however it dies. */
async function takeMachine(): Promise<() => void> {
	for (;;) {
		const server = await tryToListen();
		if (server !== null) return () => server.close();
		await sleep(200);
	}
}

function tryToListen(): Promise<Server | null> {
	return new Promise((resolve, reject) => {
		const server = createServer();
		server.once("error", (error: NodeJS.ErrnoException) => {
			if (error.code === "EADDRINUSE") resolve(null);
			else reject(error);
		});
		server.listen("\0opensafe-lab-test", () => resolve(server.unref()));
	});
}
