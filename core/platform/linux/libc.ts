/** The system calls of core/replication/system.ts on Linux, through koffi. */

import type { PolledDescriptor, ProcessCalls, System } from "../../replication/system.ts";
import { obeyQuotas } from "./capabilities.ts";
import { makeGcm } from "./gcm.ts";
import { fileCalls } from "./libcFiles.ts";
import { sharingCalls } from "./libcSharing.ts";
import { socketCalls } from "./libcSockets.ts";
import { native, orErrno } from "./native.ts";
import { takeShortTurns } from "./priority.ts";

const c = {
	poll: native("int poll(void *, uint64_t, int)"),
	yield: native("int sched_yield()"),
	eventfd: native("int eventfd(uint32_t, int)"),
	write: native("int64_t write(int, const void *, uint64_t)"),
	read: native("int64_t read(int, void *, uint64_t)"),
	prctl: native("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)"),
};

let pollBuffer = Buffer.alloc(8 * 64);
/** Whose descriptors and events stand in the buffer. */
let polled: PolledDescriptor[] | null = null;
const one = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
const counter = Buffer.alloc(8);
const [closeOnExec, nonBlocking, setIoFlusher] = [0o2000000, 0o4000, 57];

function fillPoll(descriptors: PolledDescriptor[]): void {
	if (descriptors.length * 8 > pollBuffer.length) pollBuffer = Buffer.alloc(descriptors.length * 16);
	for (const [index, { fd, events }] of descriptors.entries()) {
		pollBuffer.writeInt32LE(fd, index * 8);
		pollBuffer.writeInt16LE(events, index * 8 + 4);
	}
	polled = descriptors;
}

const processCalls: ProcessCalls = {
	poll(descriptors: PolledDescriptor[], timeoutMs: number): number {
		if (descriptors !== polled || pollBuffer.length < descriptors.length * 8) fillPoll(descriptors);
		const ready = orErrno(c.poll(pollBuffer, descriptors.length, timeoutMs));
		for (let index = 0; index < descriptors.length; index++) {
			descriptors[index]!.revents = ready > 0 ? pollBuffer.readInt16LE(index * 8 + 6) : 0;
		}
		return ready;
	},
	yield: () => c.yield(),
	eventfd: () => orErrno(c.eventfd(0, closeOnExec | nonBlocking)),
	wake: (fd) => orErrno(c.write(fd, one, 8)),
	drainWake: (fd) => orErrno(c.read(fd, counter, 8)),
	takeShortTurns,
	obeyQuotas,
	setIoFlusher: () => orErrno(c.prctl(setIoFlusher, 1, 0, 0, 0)),
};

export const linuxSystem: System = { ...fileCalls, ...socketCalls, ...processCalls, ...sharingCalls, gcm: makeGcm };
