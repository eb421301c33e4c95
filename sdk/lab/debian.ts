/** Installs Debian packages for the demo and the tests, without starting the services in them. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { execa } from "execa";
import { startTimeOf } from "./state.ts";

/** dpkg asks it before a service is started; 101 means no. */
const policyFile = "/usr/sbin/policy-rc.d";
const policyMark = "# made for one installation by process";
const aptOptions = ["-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=900", "-o", "Dpkg::Use-Pty=0"];
const installTimeoutMs = 30 * 60_000;

/**
 * Makes sure that Debian packages are installed; `say` hears what happens, a line at a time. Installs only as root on
 * Debian or a relative of it. Returns the packages that are still missing: what needs them must be left out.
 */
export async function ensureDebianPackages(packages: string[], say: (line: string) => void): Promise<string[]> {
	if (!existsSync("/usr/bin/apt-get") || !existsSync("/usr/bin/dpkg-query")) {
		say(`This is no Debian, so nothing is installed. Needed by other names: ${packages.join(", ")}.`);
		return packages;
	}
	const missing = await notInstalled(packages);
	if (missing.length === 0) return [];
	if (process.getuid?.() !== 0) {
		say(`Not installed, and only root can install: ${missing.join(", ")}.`);
		return missing;
	}
	say(`Installing Debian packages: ${missing.join(", ")} …`);
	const restore = keepServicesDown();
	try {
		const why = await install(missing);
		if (why !== null) say(`apt-get failed: ${why}`);
	} finally {
		restore();
	}
	const left = await notInstalled(missing);
	if (left.length > 0) say(`Could not be installed: ${left.join(", ")}.`);
	return left;
}

async function notInstalled(packages: string[]): Promise<string[]> {
	const format = ["-W", "-f", "$" + "{Package} $" + "{db:Status-Status}\\n"];
	const { stdout } = await execa("dpkg-query", [...format, ...packages], { reject: false });
	const there = new Set(stdout.split("\n").filter((line) => line.endsWith(" installed")));
	return packages.filter((name) => !there.has(`${name} installed`));
}

/** Null, or the last lines of what went wrong. */
async function install(packages: string[]): Promise<string | null> {
	const env = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" };
	for (const args of [["update"], ["install", ...packages]]) {
		const done = await execa("apt-get", [...aptOptions, ...args], {
			env,
			reject: false,
			all: true,
			stdin: "ignore",
			timeout: installTimeoutMs,
		});
		// A mirror that fails may still leave lists that are good enough for the installation.
		if (done.failed && args[0] !== "update") return done.all.trim().split("\n").slice(-5).join("\n");
	}
	return null;
}

/** Keeps packages from starting their services. Returns what puts everything back. */
function keepServicesDown(): () => void {
	removeAbandonedPolicy();
	if (existsSync(policyFile)) return () => {};
	const owner = `${process.pid} ${startTimeOf(process.pid)}`;
	writeFileSync(policyFile, `#!/bin/sh\n${policyMark} ${owner}\nexit 101\n`, { mode: 0o755 });
	return () => rmSync(policyFile, { force: true });
}

/** A run that was killed in the middle left its policy behind, which would keep services down for ever. */
function removeAbandonedPolicy(): void {
	if (!existsSync(policyFile)) return;
	const [, pid, startTime] =
		new RegExp(`^${policyMark} (\\d+) (\\d+)$`, "m").exec(readFileSync(policyFile, "utf8")) ?? [];
	if (pid !== undefined && startTimeOf(Number(pid)) !== startTime) rmSync(policyFile, { force: true });
}
