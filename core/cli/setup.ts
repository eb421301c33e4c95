/**
 * `npm run setup` and `npm run unsetup`: what the product puts on a server, and its removal. Needs no daemon. Both say
 * what they do, can be repeated, and end what an interrupted run began.
 */
import {
	accessSync,
	constants,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmdirSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { execaSync } from "execa";
import { asSafekitError, SafekitError } from "../errors.ts";
import { errorAsText } from "../log/errorTexts.ts";
import { readConfigurations } from "../module/active.ts";
import { type Paths, pathsFrom } from "../module/paths.ts";
import { platform } from "../platform/index.ts";
import { installSafebin } from "../scripts/safebin.ts";
import { daemon, launcher, launcherText, quoted, unitText } from "./unit.ts";

const unitFile = "/etc/systemd/system/safeadmin.service";

const help: Record<string, string> = {
	setup:
		"Usage: npm run setup [-- --dry-run] [--service]\n\nMakes $SAFE and $SAFEVAR, the command $SAFE/safekit and the service safeadmin.\n--service: write the service also when SAFEVAR is not the default folder.\n",
	unsetup:
		"Usage: npm run unsetup [-- --dry-run]\n\nRemoves what setup made: service, command, modules, logs. Replicated directories stay.\n",
};

/** For an administrator to edit; the daemon reads it when it starts. */
const webText = `# TCP port of the web service: states of modules, probes of load balancers, module checkers of other servers.
Define httpport 9010
# One address instead of all:
# Define httpaddress 10.0.0.1
`;

/** Says what is done; with `dryRun` does nothing else. */
class Doing {
	readonly dryRun: boolean;

	constructor(dryRun: boolean) {
		this.dryRun = dryRun;
	}

	async step(text: string, work: () => unknown): Promise<void> {
		process.stdout.write(`${this.dryRun ? "would " : ""}${text}\n`);
		if (!this.dryRun) await work();
	}
}

function writeAtOnce(file: string, text: string, mode: number): void {
	const next = `${file}.new`;
	writeFileSync(next, text, { mode });
	renameSync(next, file);
}

function systemdRuns(): boolean {
	return existsSync("/run/systemd/system");
}

function systemctl(...words: string[]): void {
	const done = execaSync("systemctl", words, { reject: false, timeout: 1_000_000 });
	if (done.failed)
		throw new SafekitError("SETUP_SYSTEMD", `systemctl ${words.join(" ")} failed: ${done.stderr || done.shortMessage}`);
}

async function setup(paths: Paths, doing: Doing, service: boolean): Promise<void> {
	const node = process.execPath;
	const folders = [
		paths.safe,
		join(paths.safe, "modules"),
		join(paths.safe, "private/modules"),
		join(paths.safe, "Application_Modules"),
	];
	await doing.step(`make ${paths.safe} and ${paths.safevar}`, () => {
		for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o755 });
		for (const folder of [paths.safevar, paths.run, join(paths.safevar, "cluster"), join(paths.safevar, "modules")]) {
			mkdirSync(folder, { recursive: true, mode: 0o750 });
		}
	});
	await doing.step(`write ${join(paths.safe, "safekit")}, the command`, () =>
		writeAtOnce(join(paths.safe, "safekit"), launcherText(paths, node), 0o755),
	);
	await doing.step(`write ${paths.safebin}, the programs for scripts`, () => installSafebin(paths.safebin, node));
	const web = join(paths.safe, "web/conf/httpd.conf");
	if (!existsSync(web)) {
		await doing.step(`write ${web}, where the web service listens`, () => {
			mkdirSync(dirname(web), { recursive: true, mode: 0o755 });
			writeAtOnce(web, webText, 0o644);
		});
	}
	if (!ownsUnit(paths, service)) return outside(paths, node);
	await doing.step(`write ${unitFile}, the service safeadmin`, () =>
		writeAtOnce(unitFile, unitText(paths, node), 0o644),
	);
	if (!systemdRuns()) return outside(paths, node);
	await doing.step("start safeadmin now and at every boot", () => {
		systemctl("daemon-reload");
		systemctl("enable", "safeadmin.service");
		// `restart` would stop the modules; a killed daemon is started anew by systemd and takes them up again.
		if (runningModules(paths) !== null) systemctl("kill", "--kill-who=main", "--signal=KILL", "safeadmin.service");
		else systemctl("restart", "safeadmin.service");
	});
	process.stdout.write(`\nNext: ${join(paths.safe, "safekit")} state\n`);
}

/**
 * Whether the service of this server is about these folders. Other folders than the default ones get one only when it
 * is asked for: a second product beside the first, or a test, must not take the service over.
 */
function ownsUnit(paths: Paths, asked: boolean): boolean {
	if (!existsSync("/etc/systemd/system")) return false;
	if (existsSync(unitFile)) return readFileSync(unitFile, "utf8").includes(`"SAFEVAR=${paths.safevar}"`);
	return asked || paths.safevar === pathsFrom({}).safevar;
}

function outside(paths: Paths, node: string): void {
	const variables = `SAFE=${quoted(paths.safe)} SAFEVAR=${quoted(paths.safevar)}`;
	process.stdout.write(
		`\nNo systemd starts the daemon here. Start it with:\n  ${variables} ${quoted(node)} ${quoted(daemon)}\n`,
	);
}

/** What `state` of the daemon says, null if none answers. */
function runningModules(paths: Paths): string[] | null {
	if (!existsSync(paths.socket)) return null;
	const env = { SAFE: paths.safe, SAFEVAR: paths.safevar };
	const asked = execaSync(process.execPath, [launcher, "state", "--json"], { env, reject: false, timeout: 30_000 });
	if (asked.failed) return null;
	const { modules } = JSON.parse(asked.stdout) as { modules: { name: string; state: string }[] };
	return modules.filter(({ state }) => state !== "STOP").map(({ name }) => name);
}

async function unsetup(paths: Paths, doing: Doing): Promise<void> {
	const running = runningModules(paths);
	if (running !== null && running.length > 0) {
		throw new SafekitError("SETUP_RUNNING", `Modules run on this server: ${running.join(", ")}.`);
	}
	if (running === null && storedRunning(paths)) {
		throw new SafekitError("SETUP_RUNNING", "The daemon does not answer, and modules were running.", {
			remedy:
				"Start the daemon (`systemctl start safeadmin`), stop the modules with `safekit shutdown`, then try again.",
		});
	}
	if (existsSync(unitFile) && ownsUnit(paths, false)) {
		await doing.step(`remove the service safeadmin (${unitFile})`, () => {
			if (systemdRuns()) systemctl("disable", "--now", "safeadmin.service");
			rmSync(unitFile, { force: true });
			if (systemdRuns()) systemctl("daemon-reload");
		});
	} else if (running !== null) {
		await doing.step("end the daemon", () => endDaemon(paths));
	}
	const kept = await replicatedDirectories(paths);
	for (const folder of [paths.safe, paths.safevar]) {
		if (existsSync(folder)) await doing.step(`remove ${folder}`, () => remove(folder));
	}
	for (const directory of kept) {
		process.stdout.write(
			`${directory} stays: its files are the application's. Whose data it is, is kept in ${join(directory, ".opensafe")}.\n`,
		);
	}
}

/** What the modules replicate, as far as their configurations can be read. */
async function replicatedDirectories(paths: Paths): Promise<string[]> {
	const configurations = await readConfigurations(paths).catch(() => []);
	return configurations.flatMap(({ rfs }) => (rfs?.directories ?? []).map(({ dir }) => dir));
}

/** A daemon that nobody else looks after: ended by the pid that it left, if that is still the same process. */
async function endDaemon(paths: Paths): Promise<void> {
	const file = join(paths.run, "daemon.pid");
	const [pid, command] = [Number(readFileSync(file, "utf8")), "core/node/main.ts"];
	if (!Number.isInteger(pid) || pid < 2 || !readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(command)) return;
	process.kill(pid, "SIGTERM");
	const { startTimeOf } = platform();
	const startTime = startTimeOf(pid);
	for (let waited = 0; waited < 100 && startTime !== null && startTimeOf(pid) === startTime; waited++) {
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

/** Whether a module counts as running, as its stored settings say. */
function storedRunning(paths: Paths): boolean {
	const folder = join(paths.safevar, "modules");
	if (!existsSync(folder)) return false;
	return readdirSync(folder).some((name) => {
		try {
			const stored = JSON.parse(readFileSync(join(folder, name, "state.json"), "utf8"));
			return stored.state?.main !== undefined && stored.state.main !== "STOP";
		} catch {
			return false;
		}
	});
}

/** Only a folder that setup made: never `/`, never somebody's home. */
function remove(folder: string): void {
	const known = ["safekit", "modules", "web", "private", "run", "cluster", "log.db"];
	const names = readdirSync(folder);
	if (names.length > 0 && !names.some((name) => known.includes(name))) {
		throw new SafekitError("SETUP_FOREIGN", `${folder} does not look like a folder of this product.`);
	}
	for (const name of names) rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 3 });
	try {
		rmdirSync(folder);
	} catch (error) {
		// A disk of its own is mounted there: that is not ours to remove.
		if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
	}
}

function refuseUnlessRoot(): void {
	try {
		accessSync("/root", constants.W_OK);
	} catch {
		throw new SafekitError("NOT_ROOT", "Only root may set up a server.");
	}
}

async function main(words: string[]): Promise<void> {
	const [what = "", ...options] = words;
	if (!(what in help) || options.some((word) => !["--dry-run", "--service", "--help", "-h"].includes(word))) {
		throw new SafekitError(
			"USAGE",
			`'${words.join(" ")}' is not understood; expected setup or unsetup, and --dry-run.`,
		);
	}
	if (options.some((word) => word === "--help" || word === "-h")) {
		process.stdout.write(help[what] ?? "");
		return;
	}
	const paths = pathsFrom(process.env);
	const doing = new Doing(options.includes("--dry-run"));
	if (!doing.dryRun) refuseUnlessRoot();
	await (what === "setup" ? setup(paths, doing, options.includes("--service")) : unsetup(paths, doing));
}

if (import.meta.main) {
	main(process.argv.slice(2)).catch((error: unknown) => {
		process.stderr.write(errorAsText(error));
		process.exitCode = asSafekitError(error).exit;
	});
}
