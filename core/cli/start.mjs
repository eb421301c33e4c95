/**
 * Behind every npm script: makes sure that the locked dependencies are there, then runs the work under the project's
 * own Node. Plain JavaScript, because the machine's Node (20 or later) runs it before anything is installed.
 * Survives being killed at any moment, two runs at once, and a changed lock file.
 */
import { spawn, spawnSync } from "node:child_process";
import {
	accessSync,
	constants,
	existsSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const modules = join(root, "node_modules");
const lockFolder = join(root, ".install-lock");

/** What each npm script runs, relative to the project, with arguments that come before the person's. */
const works = {
	demo: ["sdk/demo/main.ts"],
	test: ["test/run.ts", "test"],
	"test:long": ["test/run.ts", "long"],
	check: ["test/run.ts", "check"],
	simulate: ["test/simulation/main.ts"],
	bench: ["test/bench/main.ts"],
	safekit: ["core/cli/safekit.mjs"],
	setup: ["core/cli/setup.ts", "setup"],
	unsetup: ["core/cli/setup.ts", "unsetup"],
	package: ["core/module/pack/main.ts"],
};

const parent = process.ppid;
const grandparent = parentOf(parent);
const [what, ...args] = process.argv.slice(2);
if (what === undefined || !(what in works)) {
	process.stderr.write(`Error: unknown work '${what ?? ""}'\nOne of: ${Object.keys(works).join(", ")}.\n`);
	process.exit(2);
}
try {
	if (!isInstalled()) await installOnce();
	makeNodeStart();
	run(what);
} catch (error) {
	process.stderr.write(`Error: ${error.message}\n`);
	process.exit(1);
}

/** Runs the work and ends as it ends. */
function run(name) {
	const [file, ...before] = works[name];
	const env = { ...systemEnvironment(), ...compileCache() };
	// The demo ends when this process is gone, whatever became of it.
	if (name === "demo") env.OPENSAFE_DEMO_STARTER = String(process.pid);
	const child = spawn(projectNode(), [join(root, file), ...before, ...args], {
		stdio: "inherit",
		env,
		cwd: cwdOf(name),
	});
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
	if (name === "demo" && process.env.npm_lifecycle_event) endWithNpm(() => child.kill("SIGTERM"));
	child.on("error", (error) => {
		process.stderr.write(`Error: the project's Node does not start: ${error.message}\n`);
		process.exit(1);
	});
	child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
}

/** npm runs its scripts in the project's folder; a command means files as its caller does. */
function cwdOf(name) {
	const { INIT_CWD: caller, npm_lifecycle_event: script } = process.env;
	return name === "safekit" && script === name && caller && existsSync(caller) ? caller : process.cwd();
}

/** An npm that is killed tells nobody, nor does the shell that it started this with. */
function endWithNpm(end) {
	const living = () => process.ppid === parent && parentOf(parent) === grandparent;
	setInterval(() => living() || end(), 100).unref();
}

/** Parent of a process; undefined where there is no /proc. */
function parentOf(pid) {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
	} catch {
		return undefined;
	}
}

/** The Node that the project pins, for this machine. */
function projectNode() {
	const windows = process.platform === "win32";
	const name = `node-${windows ? "win" : process.platform}-${process.arch}`;
	const path = join(modules, name, "bin", windows ? "node.exe" : "node");
	try {
		accessSync(path, constants.X_OK);
	} catch {
		throw new Error(
			`no Node for ${process.platform} on ${process.arch} (${path}). Supported: Linux x64 and arm64, Windows x64.`,
		);
	}
	return path;
}

/** A minimal Debian lacks a library that the pinned Node needs: installs it as root, else says how to. */
function makeNodeStart() {
	const library = missingLibrary();
	if (library === null) return;
	const debian = { "libatomic.so.1": "libatomic1", "libstdc++.so.6": "libstdc++6" }[library];
	const hint = debian ? ` (Debian: apt-get install ${debian}; Red Hat: dnf install ${debian.replace(/\d$/, "")})` : "";
	if (debian && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
		process.stderr.write(`Installing the Debian package ${debian}, which the project's Node needs …\n`);
		const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
		for (const words of [["update"], ["install", "-y", "--no-install-recommends", debian]])
			spawnSync("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=900", ...words], { env, stdio: ["ignore", "ignore", 2] });
		if (missingLibrary() === null) return;
	}
	throw new Error(`the project's Node needs the library ${library}: install it${hint}, then run the command again.`);
}

/** The library for lack of which the pinned Node does not start; null if it starts. */
function missingLibrary() {
	const { stderr } = spawnSync(projectNode(), ["--version"], { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
	return /error while loading shared libraries: ([^:\s]+)/.exec(stderr ?? "")?.[1] ?? null;
}

/** Compiled code is kept beside the dependencies, where that can be written. */
function compileCache() {
	if (process.env.NODE_COMPILE_CACHE) return {};
	try {
		accessSync(modules, constants.W_OK);
		return { NODE_COMPILE_CACHE: join(modules, ".cache/compile") };
	} catch {
		return {};
	}
}

/** npm writes node_modules/.package-lock.json last: if it agrees with the lock, the installation is whole. */
function isInstalled() {
	const wanted = packagesIn(join(root, "package-lock.json"));
	const found = packagesIn(join(modules, ".package-lock.json"));
	if (wanted === null)
		throw new Error("package-lock.json is missing or broken: restore it with `git checkout package-lock.json`.");
	if (found === null) return false;
	const same = (name) =>
		found[name]?.version === wanted[name]?.version && found[name]?.integrity === wanted[name]?.integrity;
	const complete = Object.keys(wanted).every(
		(name) => name === "" || same(name) || isForOthers(wanted[name], name in found),
	);
	return complete && Object.keys(found).every((name) => name in wanted);
}

function packagesIn(file) {
	try {
		return JSON.parse(readFileSync(file, "utf8")).packages ?? null;
	} catch {
		return null;
	}
}

/** An optional package for another system, which npm leaves out here. */
function isForOthers(entry, present) {
	if (present || !entry.optional) return false;
	const fits = (list, value) => list === undefined || list.includes(value);
	const libc = process.report?.getReport().header.glibcVersionRuntime ? "glibc" : "musl";
	return !fits(entry.os, process.platform) || !fits(entry.cpu, process.arch) || !fits(entry.libc, libc);
}

/** Installs unless another run does it first. */
async function installOnce() {
	const release = await takeLock();
	try {
		if (!isInstalled()) install();
	} finally {
		release();
	}
}

/**
 * Without the programs of packages, which npm puts before those of the system: among them may be the very Node that is
 * about to be replaced, and one is called nft.
 */
function systemEnvironment() {
	const path = (process.env.PATH ?? "")
		.split(delimiter)
		.filter((folder) => !folder.endsWith(join("node_modules", ".bin")))
		.join(delimiter);
	return { ...process.env, PATH: path };
}

function install() {
	process.stderr.write("Installing the locked dependencies (once, about half a minute) …\n");
	const env = systemEnvironment();
	delete env.NODE_ENV;
	const flags = ["ci", "--ignore-scripts", "--include=dev", "--include=optional", "--loglevel=error"];
	const done = spawnSync("npm", flags, {
		cwd: root,
		env,
		stdio: ["ignore", 2, 2],
		shell: process.platform === "win32",
	});
	if (done.error) throw new Error(`npm does not start: ${done.error.message}. Install Node 20 or later with npm.`);
	if (done.status !== 0)
		throw new Error(
			"npm ci failed (see above). Check that this machine reaches an npm registry, then run the command again.",
		);
	// In an npm script this link would come before the machine's Node, which runs this file whatever is installed.
	rmSync(join(modules, ".bin/node"), { force: true });
	if (!isInstalled())
		throw new Error("npm ci ended without a complete installation: remove node_modules and run the command again.");
}

/** A folder is the lock: making it is atomic. It names its owner, so that a lock whose owner died is taken over. */
async function takeLock() {
	const owner = JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) });
	const giveUpAt = Date.now() + 15 * 60_000;
	for (let told = false; Date.now() < giveUpAt; ) {
		try {
			mkdirSync(lockFolder);
			writeFileSync(join(lockFolder, "owner.json"), owner);
			return () => rmSync(lockFolder, { recursive: true, force: true });
		} catch (error) {
			if (error.code !== "EEXIST") throw new Error(`cannot write to ${root}: ${error.message}`);
		}
		if (isAbandoned()) {
			const aside = `${lockFolder}.${process.pid}`;
			try {
				renameSync(lockFolder, aside);
			} catch {
				// Another run took it over in the same moment.
			}
			rmSync(aside, { recursive: true, force: true });
			continue;
		}
		if (!told) process.stderr.write("Another run installs the dependencies; waiting for it …\n");
		told = true;
		await new Promise((resolve) => setTimeout(resolve, 200));
	}
	throw new Error(`another run has held ${lockFolder} for 15 minutes: end it, or remove the folder.`);
}

function isAbandoned() {
	try {
		const { pid, startTime } = JSON.parse(readFileSync(join(lockFolder, "owner.json"), "utf8"));
		return startTimeOf(pid) !== startTime;
	} catch {
		// Killed between making the folder and naming its owner. A living owner needs far less than this.
		try {
			return Date.now() - statSync(lockFolder).mtimeMs > 5000;
		} catch {
			return false;
		}
	}
}

/** Start time of a process, which with its pid names it for good; null if it is gone. */
function startTimeOf(pid) {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
		// Dead, and not buried yet by its parent.
		return fields[0] === "Z" ? null : fields[19];
	} catch {
		if (process.platform === "linux") return null;
		try {
			process.kill(pid, 0);
			return "alive";
		} catch {
			return null;
		}
	}
}
