/** Main file of the data thread: puts trees, mounts, records and the session together and runs the loop. */
import type { MessagePort } from "node:worker_threads";
import { workerData } from "node:worker_threads";
import { asSafekitError } from "../../errors.ts";
import { linuxSystem as system } from "../../platform/linux/libc.ts";
import { errnoName, umountFlag } from "../errno.ts";
import { mountSource, removeDeadMounts } from "../fuse/mountTable.ts";
import { FuseServer } from "../fuse/server.ts";
import { type FromTls, Greeter, type ToTls } from "../link/greeting.ts";
import { Exclusion } from "../local/exclusion.ts";
import { openTree } from "../local/setup.ts";
import { DataLoop } from "../loop/dataLoop.ts";
import { receive } from "../loop/mailbox.ts";
import { Syncers } from "../loop/syncers.ts";
import { Records } from "../records/node.ts";
import { RecordFile } from "../records/store.ts";
import type { Context, ProcessConfiguration, Volume } from "./context.ts";
import { type Mounts, ReplicationNode } from "./node.ts";
import type { FromProcess, ToProcess } from "./protocol.ts";
import { type Asked, answerTo } from "./questions.ts";

/** Data thread → main thread. */
export type FromData = FromProcess | ToTls | { ended: true } | { fatal: { code: string; message: string } };

const { config, port, wakeFd, earlyAck } = workerData as {
	config: ProcessConfiguration;
	port: MessagePort;
	wakeFd: number;
	earlyAck: boolean;
};
const say = (message: FromData): void => port.postMessage(message);

const loop = new DataLoop(system);
const syncers = new Syncers(loop, system);
const greeter = new Greeter(say);
if (start()) {
	// What is thrown from here on is a defect: the process dies, and its mounts stay as a fence.
	loop.run();
	syncers.stop();
	say({ ended: true });
} else syncers.stop();

/** False: something is missing, which was said; nothing is left behind. */
function start(): boolean {
	const servers: FuseServer[] = [];
	try {
		system.setIoFlusher();
		const volumes = config.directories.map(openVolume);
		const records = new Records(new RecordFile(system, volumes[0]!.tree.ownFd, "node"));
		for (const { tree } of volumes) tree.emptyKept();
		const context = makeContext(volumes, records, servers);
		const node = new ReplicationNode(context, makeMounts(servers), earlyAck, () => loop.stop());
		records.onChange = (shown) => say({ fact: "records", records: shown });
		for (const volume of volumes) {
			const { tree, exclusion } = volume;
			const sink = node.primary.sink(volume);
			const durable = config.async === "none";
			servers.push(new FuseServer({ module: config.module, tree, sink, loop, syncers, exclusion, durable }));
			servers.at(-1)!.mount();
		}
		receive<ToProcess | FromTls>(loop, system, port, wakeFd, (message) => {
			if ("tls" in message) greeter.take(message);
			else if ("ask" in message) answer(context, message);
			else node.order(message);
		});
		return true;
	} catch (error) {
		for (const server of servers) if (server.mountedOn !== null) system.umount(server.mountedOn, umountFlag.DETACH);
		const { code, message } = asSafekitError(error);
		say({ fatal: { code, message } });
		return false;
	}
}

/** A person's question: whatever comes of it, the answer comes. */
function answer(context: Context, question: Asked): void {
	try {
		say({ answer: question.request, value: answerTo(context, question) });
	} catch (error) {
		const { code, message } = asSafekitError(error);
		say({ answer: question.request, refused: { code, message } });
	}
}

function makeContext(volumes: Volume[], records: Records, servers: FuseServer[]): Context {
	return {
		...{ config, loop, system, syncers, records, volumes },
		greeter,
		fact: (fact) => say(fact),
		log: (level, origin, text) => say({ log: { level, origin, text } }),
		progress: (progress) => say({ progress }),
		unpark: () => {
			for (const server of servers) server.unpark();
		},
	};
}

function makeMounts(servers: FuseServer[]): Mounts {
	return {
		setWritable: (writable) => {
			for (const server of servers) server.setWritable(writable);
		},
		unmount: (done) => unmountAll(servers, done),
	};
}

function openVolume(
	{ dir, notReplicatedPaths, notReplicatedRegexes }: ProcessConfiguration["directories"][0],
	index: number,
): Volume {
	removeDeadMounts(system, dir, mountSource(config.module));
	const exclusion = new Exclusion({ paths: notReplicatedPaths, regexes: notReplicatedRegexes });
	return { index, tree: openTree(system, dir, config.acl), exclusion };
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
