/**
 * A process that serves one directory, and applies every operation at once to a second one, as a secondary would.
 * Arguments: the directory, the copy, options as JSON. Orders come as JSON lines on stdin, answers go to stdout.
 */
import { readlinkSync } from "node:fs";
import { linuxSystem } from "../../../core/platform/linux/libc.ts";
import { errnoName, poll } from "../../../core/replication/errno.ts";
import { mountSource, removeDeadMounts } from "../../../core/replication/fuse/mountTable.ts";
import { FuseServer } from "../../../core/replication/fuse/server.ts";
import { Applier } from "../../../core/replication/local/apply.ts";
import { Exclusion } from "../../../core/replication/local/exclusion.ts";
import { openTree } from "../../../core/replication/local/setup.ts";
import { DataLoop } from "../../../core/replication/loop/dataLoop.ts";
import { Syncers } from "../../../core/replication/loop/syncers.ts";
import type { ChangeSink, FileRef, Operation } from "../../../core/replication/operation.ts";
import type { System } from "../../../core/replication/system.ts";
import { ByteReader, ByteWriter } from "../../../core/replication/wire/bytes.ts";
import { readOperation, writeOperation } from "../../../core/replication/wire/operations.ts";

export interface MountOptions {
	paths?: string[];
	regexes?: string[];
	durable?: boolean;
	acl?: boolean;
	/** Start with this gate. */
	gate?: number | "park";
	/** The data thread waits for the disk itself. */
	readsItself?: boolean;
	/** Name of the module; one for all tests by default. */
	module?: string;
}

export type MountOrder =
	| { do: "gate"; gate: number | "park" }
	| { do: "writable"; writable: boolean }
	/** Acknowledge nothing until `release`. */
	| { do: "hold"; hold: boolean; errno?: number }
	| { do: "report" }
	| { do: "unmount"; detach?: boolean }
	| { do: "exit" };

const [source = "", copy = "", text = "{}"] = process.argv.slice(2);
const options = JSON.parse(text) as MountOptions;
/** Reads that the kernel's page cache did not answer. */
let reads = 0;
const system: System = {
	...linuxSystem,
	pread(...call) {
		reads++;
		return linuxSystem.pread(...call);
	},
	preadNow(...call) {
		reads++;
		return linuxSystem.preadNow(...call);
	},
};
const loop = new DataLoop(system);
const syncers = new Syncers(loop, system);
const readers =
	options.readsItself === true ? null : new Syncers(loop, system, { most: 4, kept: 0, meanwhile: syncers });
const exclusion = new Exclusion({ paths: options.paths ?? [], regexes: options.regexes ?? [] });
/** What was synced here, by path. */
const synced: string[] = [];
const run = syncers.run.bind(syncers);
syncers.run = (job, done) => {
	if (job.do === "fsync" || job.do === "fdatasync") synced.push(readlinkSync(`/proc/self/fd/${job.fd}`));
	run(job, done);
};
const counts: Record<string, number> = {};
const problems: string[] = [];

/** As the other side reads it. */
function travelled(operation: Operation): Operation {
	const w = new ByteWriter(operation.op === "write" ? operation.data.length + 256 : 256);
	writeOperation(w, operation);
	return readOperation(new ByteReader(w.end()));
}

function say(message: Record<string, unknown>): void {
	system.write(1, Buffer.from(`${JSON.stringify(message)}\n`));
}

const module = options.module ?? "fusetest";
removeDeadMounts(system, source, mountSource(module));
const acl = options.acl ?? false;
const tree = openTree(system, source, acl);
tree.emptyKept();
const replica = openTree(system, copy, acl);
const bound = new Map<FileRef, FileRef>([[tree.rootRef, replica.rootRef]]);
const applier = new Applier(
	replica,
	{ own: (ref) => bound.get(ref), bind: (ref, own) => bound.set(ref, own), unbind: (ref) => bound.delete(ref) },
	exclusion,
);

let gate: number | "park" = options.gate ?? 0;
let seq = 0;
let held: ((errno: number) => void)[] | null = null;
const sink: ChangeSink = {
	gate: () => gate,
	marks: null,
	nextId: () => `1.0.${seq + 1}`,
	diskFailed: (result) => problems.push(errnoName(result)),
	submit(operation: Operation, acknowledge) {
		seq++;
		counts[operation.op] = (counts[operation.op] ?? 0) + 1;
		const result = Math.min(applier.apply(travelled(operation)), applier.settle());
		if (result < 0 && problems.length < 50) problems.push(`${operation.op}: ${errnoName(result)}`);
		if (held === null) acknowledge(0);
		else held.push(acknowledge);
	},
};

const server = new FuseServer({
	module,
	tree,
	sink,
	loop,
	syncers,
	...(readers === null ? {} : { readers }),
	exclusion,
	durable: options.durable ?? false,
	onGone: () => say({ gone: true }),
});

function obey(order: MountOrder) {
	switch (order.do) {
		case "gate":
			gate = order.gate;
			if (gate !== "park") server.unpark();
			return say({ ok: true });
		case "writable":
			server.setWritable(order.writable);
			return say({ ok: true });
		case "hold": {
			const waiting = held ?? [];
			held = order.hold ? [] : null;
			for (const acknowledge of waiting) acknowledge(order.errno ?? 0);
			return say({ ok: true, answered: waiting.length });
		}
		case "report":
			return say({ counts, problems, pending: syncers.pending, synced, reads, readers: readers?.threads ?? 0 });
		case "unmount":
			return server.unmount((result) => say({ unmounted: result }), order.detach);
		case "exit":
			loop.stop();
	}
}

function abandoned() {
	loop.unwatch(0);
	server.unmount(() => loop.stop(), true);
}

let input = "";
const chunk = Buffer.alloc(65536);
loop.watch(0, poll.IN, () => {
	const length = system.read(0, chunk);
	// The test has ended without cleaning up: leave nothing behind.
	if (length <= 0) return abandoned();
	input += chunk.toString("utf8", 0, length);
	const lines = input.split("\n");
	input = lines.pop() ?? "";
	for (const line of lines) obey(JSON.parse(line) as MountOrder);
});

server.mount();
server.setWritable(gate === 0);
say({ mounted: server.mountedOn });
loop.run();
syncers.stop();
readers?.stop();
process.exit(0);
