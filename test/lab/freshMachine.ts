/**
 * A machine on which nobody has installed anything: a minimal Debian root with Node 20, npm and git, and a clone of
 * the project. Used to prove that each npm script works without any other command before it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { inNamespaces } from "../../sdk/lab/namespaces.ts";
import { ensureDebianPackages, hasProgram } from "../../sdk/lab/prerequisites.ts";
import { makeStateFolder, removeAbandoned, removeStateFolder } from "../../sdk/lab/state.ts";

const checkout = join(import.meta.dirname, "../..");
const mirror = "http://deb.debian.org/debian";
const maxOutputBytes = 64 * 1024 * 1024;
/** Devices come from this machine; processes and mounts are its own. The network is this machine's, for npm and apt. */
const enter = `set -eu; cd "$1"; shift
mount --rbind /dev dev; mount -t proc proc proc; mount -t sysfs sysfs sys; mount -t tmpfs tmpfs run
exec chroot . env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin bash -c "cd /root/opensafe && $1"`;

export interface Ended {
	code: number | null;
	stdout: string;
	/** stdout and stderr as they came. */
	all: string;
}

export class FreshMachine {
	readonly #folder: string;

	private constructor(folder: string) {
		this.#folder = folder;
	}

	/** Why a fresh machine cannot be made here; null if it can. */
	static whyNot(): string | null {
		if (process.getuid?.() !== 0) return "root is needed";
		if (!existsSync("/usr/bin/apt-get")) return "this machine is no Debian";
		const node = machineNode();
		if (node === null) return "no Node with npm on this machine beside the project's own";
		return null;
	}

	/** Builds the root, in half a minute to two minutes, and clones what is committed. */
	static async make(): Promise<FreshMachine> {
		await ensureDebianPackages(["debootstrap", "git"], () => {});
		await removeAbandoned();
		const machine = new FreshMachine(join(makeStateFolder(), "root"));
		try {
			const packages = "--include=git,ca-certificates";
			const root = machine.#folder;
			await execa("debootstrap", ["--variant=minbase", packages, "bookworm", root, mirror], { timeout: 15 * 60_000 });
			installNode(root);
			await copyRegistrySettings(root);
			for (const file of ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"])
				writeFileSync(join(root, file), readFileSync(file));
			await execa("git", ["clone", "-q", checkout, join(root, "root/opensafe")]);
			return machine;
		} catch (error) {
			await machine.remove();
			throw error;
		}
	}

	/** Runs a command in the clone. Dies with this process. What it prints goes to `say` too. */
	async run(command: string, withinMs: number, say: (text: string) => void = () => {}): Promise<Ended> {
		const [program, args] = inNamespaces("machine", enter, [this.#folder, command]);
		const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
		const ended: Ended = { code: null, stdout: "", all: "" };
		child.stdout.setEncoding("utf8").on("data", (text: string) => {
			ended.stdout = (ended.stdout + text).slice(-maxOutputBytes);
		});
		for (const stream of [child.stdout, child.stderr])
			stream.setEncoding("utf8").on("data", (text: string) => {
				ended.all = (ended.all + text).slice(-maxOutputBytes);
				say(text);
			});
		// unshare passes its death on to the process that it forked, and that one is the init of everything here.
		const timer = setTimeout(() => child.kill("SIGKILL"), withinMs);
		[ended.code] = (await once(child, "close")) as [number | null];
		clearTimeout(timer);
		return ended;
	}

	/** Where a path of the machine lies on this one. */
	path(inside: string): string {
		return join(this.#folder, inside);
	}

	async remove(): Promise<void> {
		await removeStateFolder(dirname(this.#folder));
	}
}

/** The prefix of a Node that belongs to the machine, with its npm: /usr, /usr/local or the like. */
function machineNode(): string | null {
	const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
	for (const folder of folders) {
		if (!existsSync(join(folder, "node")) || !hasProgram("npm")) continue;
		const prefix = dirname(dirname(realpathSync(join(folder, "node"))));
		if (existsSync(join(prefix, "lib/node_modules/npm/bin/npm-cli.js"))) return prefix;
	}
	return null;
}

function installNode(root: string): void {
	const prefix = machineNode();
	if (prefix === null) throw new Error(FreshMachine.whyNot() ?? "no Node");
	const target = join(root, "usr/local");
	mkdirSync(join(target, "lib/node_modules"), { recursive: true });
	cpSync(join(prefix, "bin/node"), join(target, "bin/node"));
	cpSync(join(prefix, "lib/node_modules/npm"), join(target, "lib/node_modules/npm"), { recursive: true });
	symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(target, "bin/npm"));
	symlinkSync("../lib/node_modules/npm/bin/npx-cli.js", join(target, "bin/npx"));
}

/** How this machine reaches the npm registry: a mirror, a proxy, certificates. No credentials. */
async function copyRegistrySettings(root: string): Promise<void> {
	const lines: string[] = [];
	for (const name of ["registry", "cafile", "proxy", "https-proxy"]) {
		const { stdout } = await execa("npm", ["config", "get", name], { reject: false, cwd: "/" });
		if (stdout !== "" && stdout !== "null" && stdout !== "undefined") lines.push(`${name}=${stdout}`);
	}
	mkdirSync(join(root, "usr/local/etc"), { recursive: true });
	writeFileSync(join(root, "usr/local/etc/npmrc"), `${lines.join("\n")}\n`);
}
