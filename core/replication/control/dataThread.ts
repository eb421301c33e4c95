/** Main file of the data thread: puts trees, mounts, records and the session together and runs the loop. */
import type { MessagePort } from "node:worker_threads";
import { workerData } from "node:worker_threads";
import { asSafekitError } from "../../errors.ts";
import { linuxSystem } from "../../platform/linux/libc.ts";
import { keepCompiled } from "../compiled.ts";
import { errnoName, umountFlag } from "../errno.ts";
import { FuseServer } from "../fuse/server.ts";
import { adoptMounts } from "../holder/adopt.ts";
import { keepHeld } from "../holder/keep.ts";
import { pageFlag } from "../holder/page.ts";
import { type FromTls, Greeter, type ToTls } from "../link/greeting.ts";
import { DataLoop } from "../loop/dataLoop.ts";
import { receive } from "../loop/mailbox.ts";
import { Syncers } from "../loop/syncers.ts";
import type { SyncerData } from "../loop/syncerThread.ts";
import { Keeper } from "../marks/keeper.ts";
import type { Primary } from "../primary/primary.ts";
import type { Declaration } from "../records/declared.ts";
import { Records } from "../records/node.ts";
import { RecordFile } from "../records/store.ts";
import type { Context, ProcessConfiguration, Sabotage, Volume } from "./context.ts";
import { declare, followMoves } from "./declare.ts";
import { Disks } from "./disks.ts";
import { type Mounts, ReplicationNode } from "./node.ts";
import type { FromProcess, ToProcess } from "./protocol.ts";
import { type Asked, answerTo } from "./questions.ts";
import { openVolume, type VolumeParts } from "./volumes.ts";

/** Data thread → main thread. */
export type FromData =
	| FromProcess
	| ToTls
	| { ended: true }
	| { fatal: { code: string; message: string } }
	/** Start a holder of these descriptors. */
	| { hold: number[] }
	/** Start a syncer thread. */
	| { syncer: SyncerData }
	/** The mounts were taken over from this one: any other is too many. */
	| { keep: number };

/** Main thread → data thread; `holder`: the pid of the one that was started, 0 if that failed. */
export type ToData = ToProcess | FromTls | { holder: number };

const { config, port, wakeFd, sabotage, holders } = workerData as {
	config: ProcessConfiguration;
	port: MessagePort;
	wakeFd: number;
	sabotage: Sabotage | null;
	/** Who may keep the mounts of a process that died; null: nothing is to be taken over. */
	holders: number[] | null;
};
const say = (message: FromData): void => port.postMessage(message);

const system = sabotage === "trust-cache" ? { ...linuxSystem, forget: () => {} } : linuxSystem;
// Before other threads need the same.
keepCompiled();
const loop = new DataLoop(system);
const startSyncer = (data: SyncerData): void => say({ syncer: data });
const syncers = new Syncers(loop, system, { start: startSyncer });
// A read of a slow disk, or a sync, must not keep the marks waiting, without which nothing is changed; nor each other.
const readers = new Syncers(loop, system, { most: 4, kept: 0, meanwhile: syncers, start: startSyncer });
const markWriter = new Syncers(loop, system, { most: 1, kept: 0, meanwhile: syncers, start: startSyncer });
const greeter = new Greeter(say);
const started = start();
// What is thrown from here on is a defect: the process dies, and its mounts stay as a fence.
if (started) loop.run();
syncers.stop();
readers.stop();
markWriter.stop();
if (started) say({ ended: true });

/** False: something is missing, which was said; nothing is left behind. */
function start(): boolean {
	const servers: FuseServer[] = [];
	try {
		system.setIoFlusher();
		system.takeShortTurns();
		const adoption = holders === null ? null : adoptMounts(system, holders, config);
		const pages = adoption?.mounts.map(({ page }) => page) ?? [];
		const served = pages.some((page) => page.has(pageFlag.WRITABLE));
		const intact = served && pages.every((page) => page.has(pageFlag.WRITABLE) && !page.has(pageFlag.DAMAGED));
		const volumes: Volume[] = config.directories.map((directory, index) => {
			const parts = volumeParts(servers, () => node.primary);
			return openVolume(parts, directory, index, adoption?.mounts[index]?.rootFd);
		});
		const records = new Records(new RecordFile(system, volumes[0]!.tree.ownFd, "node"), intact);
		if (adoption === null) for (const { tree } of volumes) tree.emptyKept();
		const context = makeContext(volumes, records, servers, () => keeper);
		const node: ReplicationNode = new ReplicationNode(
			context,
			makeMounts(servers, () => keeper),
			sabotage,
			() => loop.stop(),
		);
		const damaged = () => {
			for (const server of servers) server.setDamaged(records.crashed);
		};
		records.onChange = (shown) => {
			damaged();
			say({ fact: "records", records: shown });
		};
		if (served) node.takeOver();
		for (const volume of volumes) {
			const { tree, names, exclusion, index } = volume;
			const options = {
				...{ module: config.module, tree, names, sink: node.primary.sink(volume), loop, syncers, readers, exclusion },
				...{ durable: config.async === "none", forgetful: sabotage === "no-intents" },
			};
			const mount = adoption?.mounts[index];
			servers.push(new FuseServer(mount === undefined ? options : { ...options, adopted: mount }));
			if (mount === undefined) servers.at(-1)!.mount();
			else servers.at(-1)!.adopt(mount);
		}
		followMoves(context);
		const keeper = new Keeper(context);
		damaged();
		const take = keepHeld({ loop, system, servers, say }, adoption?.holder ?? null);
		receive<ToData>(loop, system, port, wakeFd, (message) => {
			if ("tls" in message) greeter.take(message);
			else if ("holder" in message) take(message.holder);
			else if ("ask" in message) answer(context, message, (given) => declare(context, node, keeper, given));
			else node.order(message);
		});
		return true;
	} catch (error) {
		// What was taken over stays as a fence.
		const made = holders === null ? servers : [];
		for (const server of made) if (server.mountedOn !== null) system.umount(server.mountedOn, umountFlag.DETACH);
		const { code, message } = asSafekitError(error);
		say({ fatal: { code, message } });
		return false;
	}
}

/** A person's question: whatever comes of it, the answer comes. */
function answer(context: Context, question: Asked, declares: (given: Declaration) => void): void {
	try {
		say({ answer: question.request, value: answerTo(context, question, declares) });
	} catch (error) {
		const { code, message } = asSafekitError(error);
		say({ answer: question.request, refused: { code, message } });
	}
}

function makeContext(volumes: Volume[], records: Records, servers: FuseServer[], keeper: () => Keeper): Context {
	return {
		...{ config, loop, system, syncers, records, volumes, wishes: { sinceMs: null } },
		disks: new Disks(
			volumes.map(({ tree }) => tree),
			syncers,
			// A process that takes over from this one must not take the data for whole.
			() => records.markCrashed(),
		),
		greeter,
		tune: (tuning) => {
			Object.assign(config, tuning);
			for (const server of servers) server.durable = config.async === "none";
			const text = `async=${config.async} nbrei=${config.resyncLanes} reitimeout=${config.resyncTimeoutMs}ms reidetail=${config.resyncDetail ? "on" : "off"}`;
			say({ log: { level: "D", origin: "rfsplug", text } });
		},
		fact: (fact) => say(fact),
		log: (level, origin, text) => say({ log: { level, origin, text } }),
		progress: (progress) => say({ progress }),
		marksKnown: (done) => keeper().whenKnown(done),
		unpark: () => {
			for (const server of servers) server.unpark();
		},
	};
}

/** What a volume needs of parts that come after it. */
function volumeParts(servers: FuseServer[], primary: () => Primary): VolumeParts {
	return {
		...{ system, loop, config, markWriter },
		log: (level, origin, text) => say({ log: { level, origin, text } }),
		nextId: () => primary().followingId,
		unpark: (index) => servers[index]?.unpark(),
		diskFailed: (volume, result) => primary().sink(volume).diskFailed(result),
		sabotage: sabotage === "no-marks" ? "none" : sabotage === "late-marks" ? "late" : null,
	};
}

function makeMounts(servers: FuseServer[], keeper: () => Keeper): Mounts {
	return {
		setWritable: (writable) => {
			for (const server of servers) server.setWritable(writable);
		},
		unmount: (done) => keeper().leave(() => unmountAll(servers, done)),
	};
}

/** In reverse order; one that is busy is detached: the module is stopped. */
function unmountAll(servers: FuseServer[], done: (why: string | null) => void): void {
	const left = [...servers].reverse();
	let kept: string | null = null;
	const next = () => {
		const server = left.shift();
		if (server === undefined) return done(kept);
		const path = server.mountedOn;
		server.unmount((result) => {
			if (result === 0) return next();
			kept = `${path} was still in use when it was unmounted (${errnoName(result)})`;
			server.unmount(next, true);
		});
	};
	next();
}
