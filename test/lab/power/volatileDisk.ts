/**
 * An ext4 file system on a disk that loses what was not flushed when its power goes (diskServer.ts): a loop device over
 * a file that the server serves. All of it lives in a mount namespace of its own and on open descriptors, so nothing is
 * left when its owner dies.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { execa } from "execa";
import { inNamespaces } from "../../../sdk/lab/namespaces.ts";

const server = join(import.meta.dirname, "diskServer.ts");
const endMs = 5000;
/** Its namespace has copies of all mounts; of other tests' disks they would keep what their owners take away. */
const serve = `findmnt -rno TARGET,SOURCE | while read -r target source; do
	case $source in /dev/loop*) umount -l "$target" ;; esac
done
exec "$@"`;

export class VolatileDisk {
	readonly #image: string;
	readonly #served: string;
	#child: ChildProcess | null = null;
	#lines: Interface | null = null;
	#device: number | null = null;

	private constructor(folder: string) {
		this.#image = join(folder, "image");
		this.#served = join(folder, "served");
	}

	/** @param folder for what belongs to the disk. */
	static async make(folder: string, megabytes: number): Promise<VolatileDisk> {
		const disk = new VolatileDisk(folder);
		mkdirSync(disk.#served, { recursive: true });
		await execa("truncate", ["-s", `${megabytes}M`, disk.#image]);
		await execa("mkfs.ext4", ["-q", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", disk.#image]);
		return disk;
	}

	/** The path of its block device. What the last cut lost is gone. */
	async powerOn(): Promise<string> {
		await this.powerOff();
		const [program, args] = inNamespaces("mounts", serve, [
			process.execPath,
			"--no-warnings",
			server,
			this.#served,
			this.#image,
		]);
		this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
		this.#lines = createInterface({ input: this.#child.stdout! });
		await this.#said("ready");
		const inside = ["-t", String(this.#child.pid), "-m"];
		const { stdout } = await execa("nsenter", [...inside, "losetup", "-f", "--show", join(this.#served, "disk")]);
		this.#device = openSync(stdout, "r");
		// While it is open this only says that the last close takes the device away.
		await execa("losetup", ["-d", stdout]);
		return stdout;
	}

	/**
	 * From this moment nothing is stored, and nothing is answered: whoever writes or syncs waits. How many blocks of the
	 * cache were kept and lost.
	 */
	freeze(seed: number): Promise<string> {
		return this.#order(`freeze ${seed}`, "frozen");
	}

	/** After `freeze`, once everything that used it is being killed: what waits gets an error, and can die. */
	async release(): Promise<void> {
		await this.#order("fail 100", "failing");
	}

	/** From now on so many of a hundred reads, writes and flushes get EIO; the others go well. */
	async fail(percent: number, seed: number): Promise<void> {
		await this.#order(`fail ${percent} ${seed}`, "failing");
	}

	/** Everything goes well again. What failed was not stored. */
	async heal(): Promise<void> {
		await this.#order("heal", "healthy");
	}

	/** From now on every read takes so many milliseconds more. */
	async slow(ms: number): Promise<void> {
		await this.#order(`slow ${ms}`, "slow");
	}

	/** Takes the device away, which nobody must use any more. What was not flushed is lost. */
	async powerOff(): Promise<void> {
		const child = this.#child;
		if (child === null) return;
		this.#child = null;
		if (this.#device !== null) closeSync(this.#device);
		this.#device = null;
		child.stdin?.end();
		if (child.exitCode !== null || child.signalCode !== null) return;
		const timer = setTimeout(() => child.kill("SIGKILL"), endMs);
		await once(child, "exit");
		clearTimeout(timer);
	}

	#order(order: string, answer: string): Promise<string> {
		const said = this.#said(answer);
		this.#child?.stdin?.write(`${order}\n`);
		return said;
	}

	#said(word: string): Promise<string> {
		return new Promise((resolve, reject) => {
			const ended = (): void => reject(new Error(`the disk server ended before it said "${word}"`));
			this.#child?.once("exit", ended);
			this.#lines?.once("line", (line) => {
				this.#child?.removeListener("exit", ended);
				if (line.startsWith(word)) resolve(line);
				else reject(new Error(`the disk server said "${line}"`));
			});
		});
	}
}
