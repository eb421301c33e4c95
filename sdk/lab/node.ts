/** One server of the lab: runs commands, loses power, gets it back. Its disks survive, its memory does not. */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { SafekitError } from "../../core/errors.ts";
import { Box, type CommandOptions, type CommandResult, failure } from "./box.ts";
import type { Switch } from "./switch.ts";

export interface NodeOptions {
	/** What is process 1: a shell that only buries the dead (default), or the machine's systemd. */
	init?: "tiny" | "systemd";
	/**
	 * Directories that are on the node's own disk and survive a power cut, beside /opt/safekit and /var/safekit. Each
	 * starts as a copy of what this machine has there, or empty.
	 */
	keep?: string[];
	/**
	 * Directories on an ext4 file system of their own: called at every boot for its block device. They die with the
	 * node's mounts, and what they keep of a power cut is the device's affair.
	 */
	devices?: Record<string, () => Promise<string>>;
	/** Programs that are started at every boot and again at once whenever they die, as a service manager does. */
	services?: Record<string, string>;
	/** Environment of the services and of every command. */
	env?: Record<string, string>;
}

const alwaysKept = ["/opt/safekit", "/var/safekit"];
/** Where every node finds the project, read-only. */
export const checkoutInNode = "/opt/opensafe";
const checkout = join(import.meta.dirname, "../..");
/** A service that dies this often within 10 s stays down, so that a broken one does not fill the disk with its log. */
const supervisor = `service=$1; count=0; from=$SECONDS
while :; do
	bash -c "exec $service" & echo $! > "/run/lab-$2.pid"; wait $!
	count=$((count + 1)); [ $((SECONDS - from)) -lt 10 ] || { count=0; from=$SECONDS; }
	[ $count -lt 50 ] || { echo "died $count times within 10 s, given up"; exit 1; }
done`;

export class LabNode {
	readonly name: string;
	/** Last part of the node's addresses. */
	readonly host: number;
	readonly #folder: string;
	readonly #switch: Switch;
	readonly #options: NodeOptions;
	readonly #services = new Map<string, ChildProcess>();
	#box: Box | null = null;

	constructor(name: string, host: number, folder: string, theSwitch: Switch, options: NodeOptions) {
		this.name = name;
		this.host = host;
		this.#folder = folder;
		this.#switch = theSwitch;
		this.#options = options;
	}

	/** Boots the node: namespaces, root, cables, addresses, services. It must be off. */
	async powerOn(): Promise<void> {
		if (this.isOn) throw new SafekitError("LAB_FAILED", `${this.name} is on already`);
		await this.#formatDisks();
		mkdirSync(join(this.#folder, "root"), { recursive: true });
		const script = readFileSync(join(import.meta.dirname, "init.sh"), "utf8");
		const init = this.#options.init ?? "tiny";
		this.#box = await Box.start(this.name, script, {
			LAB_ROOT: join(this.#folder, "root"),
			LAB_NAME: this.name,
			LAB_OWNER: this.#folder.split("/").at(-2) ?? "lab",
			LAB_INIT: init,
			LAB_SCRIPT: script,
			LAB_MOUNTS: await this.#mounts(),
			LAB_MACHINE: createHash("md5").update(this.#folder).digest("hex"),
		});
		await this.#switch.connect(this.#box, this.host);
		if (init === "systemd") await this.#waitForSystemd();
		for (const [name, command] of Object.entries(this.#options.services ?? {})) this.startService(name, command);
	}

	/**
	 * The node loses power: from one moment to the next nothing leaves it any more, then everything in it is dead. What
	 * was written to its disks stays, synced or not (the page cache is this machine's).
	 */
	async powerCut(): Promise<void> {
		const box = this.#mustBeOn();
		// A dying kernel closes connections politely; a server without power does not. So the cables go first.
		await this.#switch.silence(this.host, [...Array(this.#switch.lans).keys()]);
		await box.kill();
		await this.#afterDeath();
	}

	get isOn(): boolean {
		return this.#box?.isRunning ?? false;
	}

	/** Whether process 1 is the machine's systemd. */
	get hasSystemd(): boolean {
		return this.#options.init === "systemd";
	}

	/** Pid of the node's init as this machine sees it. */
	get pid(): number {
		return this.#mustBeOn().pid;
	}

	/** IPv4 address in a lan. */
	address(lan = 0): string {
		return this.#switch.address(this.host, lan);
	}

	/** Runs a shell command; returns what it printed on stdout. Throws LAB_FAILED with all its output if it fails. */
	async run(command: string, options: CommandOptions = {}): Promise<string> {
		const result = await this.attempt(command, options);
		if (result.code !== 0) throw failure(this.name, command, result);
		return result.stdout.trimEnd();
	}

	/** Runs a shell command and says how it ended. */
	attempt(command: string, options: CommandOptions = {}): Promise<CommandResult> {
		return this.#mustBeOn().attempt(command, { ...options, env: { ...this.#options.env, ...options.env } });
	}

	/** Content of a file as programs on the node see it; null if there is no such file. */
	async read(path: string): Promise<string | null> {
		const result = await this.attempt('[ -e "$FILE" ] || exit 44; exec cat -- "$FILE"', { env: { FILE: path } });
		if (result.code === 44) return null;
		if (result.code !== 0) throw failure(this.name, `cat ${path}`, result);
		return result.stdout;
	}

	/** Writes a file as a program on the node would. */
	async write(path: string, content: string, mode = 0o644): Promise<void> {
		const command = 'mkdir -p "$(dirname "$FILE")" && cat > "$FILE" && chmod "$MODE" "$FILE"';
		await this.run(command, { env: { FILE: path, MODE: mode.toString(8) }, input: content });
	}

	/** Where a kept directory lies on this machine: what is on the node's disk, also while it is off. */
	disk(path: string): string {
		if (!this.#kept().includes(path))
			throw new SafekitError("LAB_FAILED", `${path} is not on the disk of ${this.name}`);
		return join(this.#folder, "disk", path);
	}

	/** Starts a program that is started again at once whenever it dies. */
	startService(name: string, command: string): void {
		if (this.#services.has(name)) throw new SafekitError("LAB_FAILED", `${this.name}: service ${name} runs already`);
		const log = openSync(this.serviceLog(name), "a");
		this.#services.set(name, this.#mustBeOn().spawn(supervisor, [command, name], { ...this.#options.env }, log));
		closeSync(log);
	}

	/** Pid of a service inside the node; changes when it was started again. */
	async servicePid(name: string): Promise<number> {
		return Number(await this.run(`cat /run/lab-${name}.pid`));
	}

	/** File on this machine with what a service printed, over all boots. */
	serviceLog(name: string): string {
		return join(this.#folder, `${name}.log`);
	}

	/** Ends a service, which is asked with TERM, and killed if it is still there 10 s later. */
	async stopService(name: string): Promise<void> {
		const child = this.#services.get(name);
		if (child === undefined) return;
		this.#services.delete(name);
		const pid = await this.servicePid(name);
		const ended = child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, "exit");
		await this.run(
			`supervisor=$(awk '/^PPid/ {print $2}' /proc/${pid}/status 2>/dev/null)
			[ -z "$supervisor" ] || kill -KILL $supervisor; kill -TERM ${pid} 2>/dev/null
			for i in $(seq 100); do [ -d /proc/${pid} ] || exit 0; sleep 0.1; done; kill -KILL ${pid} || true`,
		);
		await ended;
	}

	async #afterDeath(): Promise<void> {
		this.#box = null;
		this.#services.clear();
		await this.#switch.disconnect(this.host);
	}

	#mustBeOn(): Box {
		if (this.#box === null) throw new SafekitError("LAB_FAILED", `${this.name} is off`);
		return this.#box;
	}

	#kept(): string[] {
		return [...alwaysKept, ...(this.#options.keep ?? [])];
	}

	async #mounts(): Promise<string> {
		const mounts = this.#kept().map((path) => [join(this.#folder, "disk", path), path, "rw"]);
		for (const [path, device] of Object.entries(this.#options.devices ?? {})) mounts.push([await device(), path, "rw"]);
		return [[checkout, checkoutInNode, "ro"], ...mounts].map((fields) => fields.join("\t")).join("\n");
	}

	/** The first boot fills the disks with what this machine has in these places. */
	async #formatDisks(): Promise<void> {
		for (const path of this.#kept()) {
			const target = join(this.#folder, "disk", path);
			if (existsSync(target)) continue;
			mkdirSync(target, { recursive: true });
			const isCopied = existsSync(path) && !alwaysKept.includes(path);
			if (isCopied) await execa("cp", ["-a", `${path}/.`, target]);
		}
	}

	async #waitForSystemd(): Promise<void> {
		const giveUp = performance.now() + 30_000;
		let state = "";
		while (performance.now() < giveUp) {
			state = (await this.attempt("systemctl is-system-running 2>&1")).stdout.trim();
			if (state === "running" || state === "degraded") return;
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		throw new SafekitError("LAB_FAILED", `${this.name}: systemd is not up within 30 s: ${state}`);
	}
}
