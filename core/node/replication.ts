/** The replication service as the loop of a module uses it: orders in turn, one process that outlives the daemon. */
import { lookup } from "node:dns/promises";
import { access, mkdir } from "node:fs/promises";
import { isIP } from "node:net";
import { dirname, join } from "node:path";
import { deriveKey } from "../cluster/key.ts";
import { localAddr, pairOn } from "../cluster/self.ts";
import type { ReplicationFact, ReplicationOrder, ResyncProgress } from "../engine/replication.ts";
import { asSafekitError, SafekitError } from "../errors.ts";
import type { ModuleConfiguration, RfsConfiguration } from "../module/configuration.ts";
import type { Paths } from "../module/paths.ts";
import { ReplicationClient, type ReplicationEvents } from "../replication/client.ts";
import type { ProcessConfiguration, Tuning } from "../replication/control/context.ts";
import { mountOn, mountPath, mountSource } from "../replication/fuse/mountTable.ts";
import type { Callbacks } from "./callbacks.ts";
import { type Copier, type Examined, ModuleData } from "./data.ts";
import type { ReplicationHands } from "./hands.ts";
import type { ClusterView } from "./membership.ts";
import { SyncMetrics } from "./metrics.ts";
import { type MountAsker, MountCheck } from "./mountCheck.ts";

export interface ReplicationParts {
	paths: Paths;
	cluster: ClusterView;
	configuration: ModuleConfiguration;
	fact(fact: ReplicationFact): void;
	log: ReplicationEvents["log"];
	changed(): void;
	copy: Copier;
	askMounts: MountAsker;
	unmount(path: string): Promise<void>;
	verifier: ConstructorParameters<typeof ModuleData>[2];
	/** With `<rfs scripts="on">`. */
	callbacks: Callbacks | null;
}

const answered = { verified: "verify", estimated: "estimate" } as const;

export class ModuleReplication implements ReplicationHands {
	#parts: ReplicationParts;
	readonly #rfs: RfsConfiguration;
	#client: ReplicationClient | null = null;
	#progress: ResyncProgress | null = null;
	/** Orders are carried out one after the other, also while the process is being found or started. */
	#turn: Promise<void> = Promise.resolve();
	#detached = false;
	/** Who waits for the answer to an order of a person. */
	readonly #examining = new Map<"verify" | "estimate", (fact: ReplicationFact) => void>();

	readonly data: ModuleData;
	readonly #metrics: SyncMetrics;
	readonly #check: MountCheck;

	constructor(parts: ReplicationParts, rfs: RfsConfiguration) {
		this.#parts = parts;
		this.#rfs = rfs;
		const process = {
			pid: () => this.#client?.pid ?? null,
			ask: async (question) => (await this.#connected()).ask(question),
			examine: (order) => this.#examine(order),
			copy: parts.copy,
		} satisfies ConstructorParameters<typeof ModuleData>[1];
		const { userVar } = parts.paths.module(parts.configuration.module);
		this.data = new ModuleData(rfs, process, parts.verifier, join(userVar, "rfssync.json"));
		this.#metrics = new SyncMetrics({
			setResource: (name, value) => parts.verifier.setResource(name, value),
			nowMs: () => performance.now(),
		});
		const dirs = rfs.directories.map(({ dir }) => dir);
		this.#check = new MountCheck(rfs, {
			// While a new process is on its way to the mounts, they wait for it.
			ask: () => (this.#client?.pid == null ? null : parts.askMounts(dirs)),
			silent: (forMs) => parts.fact({ fact: "silent", forMs }),
		});
	}

	give(order: ReplicationOrder): void {
		if (order.order === "close" || order.order === "abandon") this.#parts.callbacks?.abandon();
		this.#inTurn(order.order, () => this.#carryOut(order));
	}

	/**
	 * Finds the process that an earlier daemon started; it repeats what holds. `running`: the module runs on, so a
	 * process that is not found has died. Otherwise none may be left: one that is found is closed.
	 */
	attach(running: boolean): Promise<void> {
		this.#check.start();
		this.data.sync.show();
		this.#inTurn("open", async () => {
			const found = await (await this.#connected()).find();
			if (!found && running) this.#parts.fact({ fact: "died", absent: true });
			if (!found && !running) await this.#client?.abandon();
			if (found && !running) this.#client?.order({ order: "close" });
		});
		return this.#turn;
	}

	progress(): ResyncProgress | null {
		return this.#progress;
	}

	/** What cannot be told to a process now is told to the next one. */
	async reconfigure(configuration: ModuleConfiguration): Promise<void> {
		this.#parts = { ...this.#parts, configuration };
		if (this.#client === null || configuration.rfs === null) return;
		await this.#client.tune(tuningOf(configuration, configuration.rfs)).catch((error) => {
			this.#parts.log("E", "rfsplug", `The running replication does not take the configuration: ${error.message}`);
		});
	}

	detach(): void {
		this.#detached = true;
		this.#check.stop();
		this.#client?.release();
	}

	/** Gives a person's order and waits for its fact, for as long as it takes: a process that ends answers too. */
	async #examine<K extends "verify" | "estimate">(order: K): Promise<Examined<K>> {
		if (this.#examining.has(order)) {
			throw new SafekitError("RFS_VERIFY", "The copies are being compared already.");
		}
		const client = await this.#connected();
		return new Promise((resolve, reject) => {
			this.#examining.set(order, (fact) => {
				this.#examining.delete(order);
				if (fact.fact === "verified" || fact.fact === "estimated") return resolve(fact as Examined<K>);
				const why = fact.fact === "failed" ? fact.message : "the replication process ended";
				reject(new SafekitError("RFS_VERIFY", `The copies could not be compared: ${why}.`));
			});
			try {
				client.order({ order });
			} catch (error) {
				this.#examining.delete(order);
				reject(error);
			}
		});
	}

	/** True: the fact answers a person, and is no event of the automaton. */
	#answersPerson(fact: ReplicationFact): boolean {
		if (fact.fact === "died" || fact.fact === "closed") {
			for (const answer of [...this.#examining.values()]) answer(fact);
			return false;
		}
		const order = fact.fact === "failed" ? fact.order : answered[fact.fact as keyof typeof answered];
		if (order !== "verify" && order !== "estimate") return false;
		this.#examining.get(order)?.(fact);
		return true;
	}

	#inTurn(order: ReplicationOrder["order"], work: () => Promise<void>): void {
		this.#turn = this.#turn.then(async () => {
			if (this.#detached) return;
			try {
				await work();
			} catch (error) {
				const { code, message } = asSafekitError(error);
				this.#parts.fact({ fact: "failed", order, code, message });
			}
		});
	}

	async #carryOut(order: ReplicationOrder): Promise<void> {
		const client = await this.#connected();
		if (order.order === "abandon") return await client.abandon(order.kill === true);
		if (order.order === "open") await this.#open(client, order.adopt === true);
		if (order.order === "close") await client.ended();
		if (order.order === "close" && client.pid === null) {
			// Nothing runs: that is what was wanted.
			await client.abandon();
			await this.#removeFences();
			return this.#parts.fact({ fact: "closed" });
		}
		if (order.order === "session" && !order.source) await this.#parts.callbacks?.beforeCopy();
		this.#metrics.ordered(order);
		this.#parts.log("D", "rfsplug", `Order ${JSON.stringify(order)}`);
		client.order(order);
	}

	async #open(client: ReplicationClient, adopt: boolean): Promise<void> {
		// Not to be asked while nobody serves them.
		for (const { dir, tocheck } of adopt ? [] : this.#rfs.directories) {
			for (const path of tocheck) {
				await access(join(dir, path)).catch((cause) => {
					throw new SafekitError("NODE_TOCHECK", `${join(dir, path)} is not there (<tocheck>)`, { cause });
				});
			}
		}
		const errorFile = join(this.#parts.paths.safevar, "log", `rfs-${this.#parts.configuration.module}.err`);
		await mkdir(dirname(errorFile), { recursive: true, mode: 0o700 });
		await client.start(errorFile, adopt);
		// One that takes over serves: what was declared counts from the next start.
		if (!adopt) await this.data.sync.started();
	}

	/** The module stops, and what a process that died left mounted keeps nobody from anything any more. */
	async #removeFences(): Promise<void> {
		for (const { dir } of this.#rfs.directories) {
			const path = mountPath(dir);
			const mount = mountOn(path);
			if (mount?.source === mountSource(this.#parts.configuration.module)) await this.#parts.unmount(path);
		}
	}

	async #connected(): Promise<ReplicationClient> {
		this.#client ??= new ReplicationClient(await processConfiguration(this.#parts, this.#rfs), {
			fact: (fact) => {
				if (this.#answersPerson(fact)) return;
				this.#metrics.heard(fact);
				this.#parts.callbacks?.heard(fact);
				if (fact.fact === "synced") this.data.sync.synced();
				this.#parts.log("D", "rfsplug", `Fact ${JSON.stringify(fact)}`);
				this.#parts.fact(fact);
			},
			log: (level, origin, text) => this.#parts.log(level, origin, text),
			progress: (progress) => {
				this.#progress = progress;
				this.#metrics.progress(progress);
				this.#parts.changed();
			},
		});
		return this.#client;
	}
}

async function processConfiguration(parts: ReplicationParts, rfs: RfsConfiguration): Promise<ProcessConfiguration> {
	const { paths, cluster, configuration } = parts;
	const { module } = configuration;
	const { configuration: inForce } = await cluster.get();
	const { node, peer } = await cluster.membershipOf(configuration);
	const pair = peer === null ? undefined : pairOn(inForce.cluster, rfs.lan, node, peer);
	if (peer === null || pair === undefined) {
		throw new SafekitError(
			"NODE_PEER",
			`The lan '${rfs.lan}' of the replication of module '${module}' does not have both servers.`,
		);
	}
	const [own, other] = await Promise.all([numeric(localAddr(pair[0])), numeric(pair[1].addr)]);
	return {
		module,
		node,
		peer,
		nodeIndex: node < peer ? 0 : 1,
		socket: paths.module(module).replicationSocket,
		directories: rfs.directories.map(({ dir, notReplicatedPaths, notReplicatedRegexes }) => ({
			dir,
			notReplicatedPaths,
			notReplicatedRegexes,
		})),
		...tuningOf(configuration, rfs),
		acl: rfs.acl,
		listen: { address: own, port: rfs.port },
		connect: { address: other, port: rfs.port },
		key: deriveKey(inForce.key, "replication", module).toString("hex"),
		// Absent in what an older version stored.
		sealed: configuration.encryption !== false,
		connections: rfs.nbremconn ?? 1,
		lockTimeoutMs: rfs.lockTimeoutMs,
		sendTimeoutMs: rfs.sendTimeoutMs,
		ioTimeoutMs: rfs.ioTimeoutMs,
		resyncBandwidth: rfs.reiAllowedBandwidth,
	};
}

function tuningOf({ heart }: ModuleConfiguration, rfs: RfsConfiguration): Tuning {
	const timeouts = (heart?.heartbeats ?? []).map(({ timeoutMs }) => timeoutMs);
	return {
		async: rfs.async,
		resyncLanes: rfs.nbrei,
		// Absent in what an older version stored.
		resyncTimeoutMs: rfs.reiTimeoutMs ?? 150_000,
		resyncDetail: rfs.reiDetail === true,
		linkTimeoutMs: Math.max(100, ...timeouts),
	};
}

async function numeric(address: string): Promise<string> {
	return isIP(address) === 0 ? (await lookup(address)).address : address;
}
