/** Processes through /proc, services through systemctl: one call for many. */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { execa } from "execa";
import type { ProcessSystem, ServiceState } from "../../checkers/watched/system.ts";
import { statOf } from "./server.ts";

/** Processes that are read before other work has its turn: 2 ms. */
const inOneGo = 200;
const argumentBytes = 65_536;
const servicesWithinMs = 5000;
const serviceName = /^[\w@:.\\-]{1,255}$/;

export const processes: ProcessSystem = {
	nameLimit: 15,

	async names() {
		const found = new Map<number, string>();
		let read = 0;
		for (const entry of readdirSync("/proc")) {
			const pid = Number(entry);
			if (!Number.isInteger(pid)) continue;
			const name = nameOf(pid);
			if (name !== null) found.set(pid, name);
			if (++read % inOneGo === 0) await turn();
		}
		return found;
	},

	isRunning(pid) {
		const state = statOf(pid)?.[0];
		return state !== undefined && state !== "Z" && state !== "X";
	},

	argumentsOf(pid) {
		try {
			const fd = openSync(`/proc/${pid}/cmdline`, "r");
			try {
				const bytes = Buffer.allocUnsafe(argumentBytes);
				return bytes
					.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, 0))
					.replace(/\0+$/, "")
					.replaceAll("\0", " ");
			} finally {
				closeSync(fd);
			}
		} catch {
			return "";
		}
	},

	parentOf(pid) {
		const parent = Number(statOf(pid)?.[1]);
		return Number.isInteger(parent) ? parent : null;
	},

	signal(pid, signal) {
		try {
			process.kill(pid, signal);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
		}
	},

	async services(names) {
		const known = [...new Set(names)].filter((name) => serviceName.test(name) && !name.startsWith("-"));
		const states = new Map<string, ServiceState>(names.map((name) => [name, "absent"]));
		if (known.length === 0) return states;
		const properties = "--property=LoadState,ActiveState,SubState";
		const { stdout, failed } = await execa("systemctl", ["show", properties, "--", ...known], {
			timeout: servicesWithinMs,
			killSignal: "SIGKILL",
			reject: false,
			maxBuffer: 1024 * 1024,
			env: { LC_ALL: "C", SYSTEMD_PAGER: "" },
		});
		const answers = failed ? [] : stdout.trim().split(/\n\n+/);
		for (const [index, name] of known.entries()) {
			states.set(name, answers.length === known.length ? serviceState(answers[index] ?? "") : "unknown");
		}
		return states;
	},
};

function nameOf(pid: number): string | null {
	try {
		return readFileSync(`/proc/${pid}/comm`, "utf8").slice(0, -1);
	} catch {
		return null;
	}
}

/** A service that systemd is about to start again after a crash is not running; one that is starting or stopping is. */
function serviceState(answer: string): ServiceState {
	const property = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(answer)?.[1] ?? "";
	if (property("LoadState") === "not-found") return "absent";
	const active = property("ActiveState");
	if (active === "" || property("SubState") === "auto-restart") return active === "" ? "unknown" : "stopped";
	return active === "inactive" || active === "failed" ? "stopped" : "running";
}
