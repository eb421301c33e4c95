/** `npm run demo` as a person starts it, in a session of its own, and what is left of it on the machine. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

const root = join(import.meta.dirname, "../..");

export interface Ended {
	code: number | null;
	stdout: string;
	stderr: string;
}

export class Demo {
	readonly #npm: ChildProcess;
	readonly #closed: Promise<unknown>;
	stdout = "";
	stderr = "";

	constructor(args: string[] = []) {
		this.#npm = spawn("npm", ["run", "--silent", "demo", "--", ...args], {
			cwd: root,
			detached: true,
			stdio: ["ignore", "pipe", "pipe"],
		});
		this.#npm.stdout?.setEncoding("utf8").on("data", (text: string) => {
			this.stdout += text;
		});
		this.#npm.stderr?.setEncoding("utf8").on("data", (text: string) => {
			this.stderr += text;
		});
		this.#closed = once(this.#npm, "close");
	}

	async end(): Promise<Ended> {
		await this.#closed;
		return { code: this.#npm.exitCode, stdout: this.stdout, stderr: this.stderr };
	}

	/** Pid of npm, of the starter, or of the demo itself; null while it has not been started. */
	async pid(which: "npm" | "starter" | "demo"): Promise<number | null> {
		const session = String(this.#npm.pid);
		if (which === "npm") return Number(session);
		const program = which === "starter" ? "^[^ ]*node core/cli/start.mjs demo" : "sdk/demo/main.ts";
		const { stdout } = await execa("pgrep", ["-s", session, "-f", program], { reject: false });
		return stdout === "" ? null : Number(stdout.split("\n")[0]);
	}

	/** What a terminal does at Ctrl-C: everything that was started from it gets the signal. */
	interrupt(): void {
		process.kill(-Number(this.#npm.pid), "SIGINT");
	}

	/** Processes of the session, and of the servers that `demo` made, whatever session they are in. */
	left(demo: number | null): string[] {
		return (
			readdirSync("/proc")
				.filter((name) => /^\d+$/.test(name))
				.filter((pid) => this.#isOurs(pid, demo))
				.map((pid) => quietly(`/proc/${pid}/cmdline`).replaceAll("\0", " "))
				// Without a command line it is dead and holds nothing; it waits for a process 1 that buries orphans.
				.filter((line) => line !== "")
		);
	}

	/** Kills all of the session, for a test that failed. */
	clear(): void {
		try {
			process.kill(-Number(this.#npm.pid), "SIGKILL");
		} catch {
			// It is gone.
		}
	}

	#isOurs(pid: string, demo: number | null): boolean {
		const stat = quietly(`/proc/${pid}/stat`);
		const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
		if (state === undefined || state === "" || state === "Z") return false;
		if (session === String(this.#npm.pid)) return true;
		return demo !== null && quietly(`/proc/${pid}/mountinfo`).includes(`/opensafe-lab-${demo}-`);
	}
}

/** Processes end while we look. */
function quietly(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch {
		return "";
	}
}
