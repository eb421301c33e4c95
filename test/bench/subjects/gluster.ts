/**
 * GlusterFS with two replicas on this machine: its management daemon, both bricks and the self-heal daemon in
 * namespaces of their own, so that nothing of an installed GlusterFS is touched and all of it ends with its first process.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { linuxSystem } from "../../../core/platform/linux/libc.ts";
import { umountFlag } from "../../../core/replication/errno.ts";
import { mountOn } from "../../../core/replication/fuse/mountTable.ts";
import { inNamespaces } from "../../../sdk/lab/namespaces.ts";
import { run } from "../machine.ts";

/** Of TEST-NET-1, on the loopback device of the namespace: GlusterFS refuses 127.0.0.1 in a volume. */
const address = "192.0.2.1";
const volume = "bench";
const startMs = 30_000;

/** $1: the folder. What GlusterFS keeps in fixed places lies there instead. */
const daemon = `set -e
ip link set lo up
ip address add ${address}/32 dev lo
mount -t proc proc /proc
for pair in lib:/var/lib/glusterd log:/var/log/glusterfs run:/run/gluster; do
	mkdir -p "$1/\${pair%%:*}" "\${pair#*:}"
	mount --bind "$1/\${pair%%:*}" "\${pair#*:}"
done
echo ready
exec glusterd -N --log-level=WARNING
`;

export class Gluster {
	readonly mount: string;
	readonly #folder: string;
	readonly #children: ChildProcess[] = [];

	private constructor(folder: string) {
		this.#folder = folder;
		this.mount = join(folder, "mnt");
	}

	/** Starts everything in `folder` and mounts it there. @throws when it does not start. */
	static async start(signal: AbortSignal, folder: string): Promise<Gluster> {
		const gluster = new Gluster(folder);
		try {
			await gluster.#start(signal);
			return gluster;
		} catch (error) {
			await gluster.close();
			throw error;
		}
	}

	async #start(signal: AbortSignal): Promise<void> {
		for (const name of ["mnt", "a", "b"]) mkdirSync(join(this.#folder, name), { recursive: true });
		const [program, args] = inNamespaces("server", daemon, [this.#folder]);
		const first = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
		this.#children.push(first);
		const failed = once(first, "exit").then(() => Promise.reject(new Error("glusterd ended")));
		failed.catch(() => {});
		await Promise.race([once(first.stdout!, "data", { signal }), failed]);
		const inside = `/proc/${childOf(first.pid!)}/ns`;
		const spaces = ["mnt", "net", "pid"].map((kind) => `--${kind === "mnt" ? "mount" : kind}=${inside}/${kind}`);
		const gluster = async (...words: string[]): Promise<void> => {
			await run(signal, "nsenter", [...spaces, "gluster", "--mode=script", ...words]);
		};
		const bricks = ["a", "b"].map((name) => `${address}:${join(this.#folder, name)}`);
		await retried(signal, () => gluster("volume", "create", volume, "replica", "2", ...bricks, "force"));
		await gluster("volume", "start", volume);
		const client = ["-s", address, `--volfile-id=${volume}`, `--log-file=${join(this.#folder, "client.log")}`, "-N"];
		const enter = ["--pdeathsig", "KILL", "nsenter", `--net=${inside}/net`];
		this.#children.push(spawn("setpriv", [...enter, "glusterfs", ...client, this.mount], { stdio: "ignore" }));
		await retried(signal, async () => {
			if (mountOn(this.mount) === null) throw new Error(readFileSync(join(this.#folder, "client.log"), "utf8"));
		});
		// Mounted is not yet connected: the first call waits for both bricks.
		await retried(signal, () => run(signal, "touch", [join(this.mount, "connected")]));
	}

	async close(): Promise<void> {
		linuxSystem.umount(this.mount, umountFlag.DETACH);
		for (const child of this.#children.reverse()) {
			if (child.exitCode !== null || child.signalCode !== null) continue;
			const gone = once(child, "exit");
			child.kill("SIGKILL");
			await gone;
		}
	}
}

/** The process in the new pid namespace whose end ends all others. */
function childOf(pid: number): string {
	const child = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0];
	if (!child) throw new Error("glusterd did not start");
	return child;
}

async function retried(signal: AbortSignal, action: () => Promise<unknown>): Promise<void> {
	const until = performance.now() + startMs;
	for (;;) {
		try {
			await action();
			return;
		} catch (error) {
			signal.throwIfAborted();
			if (performance.now() > until) throw error;
			await sleep(100);
		}
	}
}
