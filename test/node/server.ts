/** A real server of a cluster on this machine: set up, with the real daemon, on loopback addresses of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { makeTestFolder } from "../folder.ts";
import { wholeLines } from "../lines.ts";
import type { Answer } from "./toy.ts";

const root = join(import.meta.dirname, "../..");
/** Loopback networks of this process: several test files may run at once. */
export const network = `127.${64 + (process.pid % 64)}.${(process.pid >> 6) % 256}`;
export const addresses = [`${network}.1`, `${network}.2`] as const;

export const clusterXml = `<cluster><lans><lan name="default"><node name="n1" addr="${network}.1"/><node name="n2" addr="${network}.2"/></lan></lans></cluster>`;

/** The source of a module, in a folder, for `module install`. */
export function writeModule(folder: string, service: string, scripts: Record<string, string>): string {
	mkdirSync(join(folder, "conf"), { recursive: true });
	mkdirSync(join(folder, "bin"), { recursive: true });
	writeFileSync(join(folder, "conf/userconfig.xml"), `<!DOCTYPE safe>\n<safe>${service}</safe>\n`);
	for (const [name, text] of Object.entries(scripts)) {
		writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
	}
	return folder;
}

export class Server {
	readonly name: string;
	readonly folder: string;
	readonly safe: string;
	readonly safevar: string;
	readonly env: NodeJS.ProcessEnv;
	readonly #network: number | null;
	#child: ChildProcess | undefined;

	/** `network`: a process in whose network namespace the daemon runs. */
	constructor(t: Pick<ExecutionContext, "teardown">, name: string, network: number | null = null) {
		this.name = name;
		this.#network = network;
		this.folder = makeTestFolder(name);
		this.safe = join(this.folder, "safe");
		this.safevar = join(this.folder, "var");
		this.env = { ...process.env, SAFE: this.safe, SAFEVAR: this.safevar, SAFENODE: name, SAFEMODULE: undefined };
		t.teardown(async () => {
			await this.kill("SIGKILL");
			rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
		});
	}

	/** `npm run setup` or `unsetup`. */
	setup(what: "setup" | "unsetup", ...options: string[]): Answer {
		return this.#spawn(process.execPath, [join(root, "core/cli/setup.ts"), what, ...options]);
	}

	async start(): Promise<void> {
		const daemon = [process.execPath, join(root, "core/node/main.ts")];
		const [program = "", ...args] =
			this.#network === null ? daemon : ["nsenter", "-t", String(this.#network), "-n", ...daemon];
		this.#child = spawn(program, args, { env: this.env, stdio: ["ignore", "inherit", "inherit"] });
		await this.until(() => existsSync(join(this.safevar, "run/daemon.sock")) && this.run("cmdlog").code === 0);
	}

	async kill(signal: "SIGKILL" | "SIGTERM"): Promise<boolean> {
		const child = this.#child;
		if (child === undefined || child.exitCode !== null || child.signalCode !== null) return false;
		child.kill(signal);
		await once(child, "exit");
		return true;
	}

	run(...args: string[]): Answer {
		return this.#spawn(join(this.safe, "safekit"), args);
	}

	/** Runs a command while the test goes on. */
	background(...args: string[]): Promise<Answer> {
		const child = spawn(join(this.safe, "safekit"), args, { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
		const [out, err] = [text(child.stdout), text(child.stderr)];
		return once(child, "close").then(async ([code]) => ({ code, out: await out, err: await err }));
	}

	/** Runs a command that must succeed. */
	ok(...args: string[]): string {
		const answer = this.run(...args);
		if (answer.code !== 0)
			throw new Error(`${this.name}: safekit ${args.join(" ")}: ${answer.code} ${answer.err}${answer.out}`);
		return answer.out;
	}

	/** Packs the source of a module. */
	pack(source: string, file: string): void {
		packModule(source, file);
	}

	/** `PRIM Ready`. */
	state(module: string): string {
		return this.ok("state", "-m", module, "-l").trim();
	}

	log(module: string): string {
		return this.ok("log", "-m", module, "-A", "-s", "1000");
	}

	said(): string[] {
		return wholeLines(join(this.safevar, "said"));
	}

	async until(what: () => boolean, seconds = 60): Promise<void> {
		for (const end = Date.now() + seconds * 1000; !what(); await sleep(100)) {
			if (Date.now() > end) throw new Error(`${this.name}: not within ${seconds} s: ${what}`);
		}
	}

	#spawn(file: string, args: string[]): Answer {
		const done = spawnSync(file, args, { env: this.env, encoding: "utf8" });
		return { code: done.status, out: done.stdout, err: done.stderr };
	}
}

/** Two servers with the same cluster and the same module, the daemons running. `edit` changes the installed module. */
export async function pair(
	t: ExecutionContext,
	service: string,
	scripts: Record<string, string>,
	edit: (server: Server) => void = () => {},
): Promise<[Server, Server]> {
	const servers: [Server, Server] = [new Server(t, "n1"), new Server(t, "n2")];
	const [first, second] = servers;
	const source = writeModule(join(first.folder, "source"), service, scripts);
	writeFileSync(join(first.folder, "cluster.xml"), clusterXml);
	for (const server of servers) {
		server.setup("setup");
		await server.start();
	}
	first.ok("cluster", "config", join(first.folder, "cluster.xml"));
	first.ok("cluster", "package", join(first.folder, "cluster.zip"));
	second.ok("cluster", "config", join(first.folder, "cluster.zip"));
	for (const server of servers) {
		installSource(server, "m", source);
		edit(server);
		server.ok("config", "-m", "m");
	}
	return servers;
}

/** `module install` of a folder. */
export function installSource(server: Server, name: string, source: string): void {
	const file = join(server.folder, `${name}.safe`);
	packModule(source, file);
	server.ok("module", "install", "-m", name, file);
}

export function packModule(source: string, file: string): void {
	const writer = join(root, "core/module/package/write.ts");
	const program = `import { writePackage } from ${JSON.stringify(writer)}; await writePackage(${JSON.stringify(source)}, ${JSON.stringify(file)});`;
	const done = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
	if (done.status !== 0) throw new Error(done.stderr);
}
