/** Making connections in the data loop: one attempt to reach the target, and the target's listening socket. */
import { SafekitError } from "../../errors.ts";
import { errno, errnoName, poll } from "../errno.ts";
import type { Cancel, DataLoop } from "../loop/dataLoop.ts";
import { type SocketAddress, type System, socketOption } from "../system.ts";

const connectMs = 3000;

/** One attempt to connect. `done` is called once, with the descriptor or the reason; not after `cancel`. */
export function dial(
	loop: DataLoop,
	system: System,
	to: SocketAddress,
	done: (result: { fd: number } | { why: string }) => void,
): Cancel {
	const fd = system.tcpSocket(to.address);
	const fail = (error: number): Cancel => {
		if (fd >= 0) system.close(fd);
		return loop.timer(0, () => done({ why: `${to.address}:${to.port} is not reached: ${errnoName(error)}` }));
	};
	if (fd < 0) return fail(fd);
	const started = system.connect(fd, to);
	if (started < 0 && started !== -errno.EINPROGRESS) return fail(started);
	const stop = (): void => {
		deadline.cancel();
		loop.unwatch(fd);
	};
	const deadline = loop.timer(connectMs, () => {
		loop.unwatch(fd);
		fail(errno.ETIMEDOUT);
	});
	loop.watch(fd, poll.OUT, () => {
		stop();
		const error = system.socketError(fd);
		if (error === 0) done({ fd });
		else fail(error);
	});
	return {
		cancel: () => {
			stop();
			system.close(fd);
		},
	};
}

/** Listens on the target's flow address; every connection goes to `accepted`. */
export class Listener {
	readonly #loop: DataLoop;
	readonly #system: System;
	readonly #fd: number;
	readonly port: number;

	/** @throws SafekitError REPLICATION_LISTEN when the address is not ours or the port is taken. */
	constructor(loop: DataLoop, system: System, at: SocketAddress, accepted: (fd: number) => void) {
		this.#loop = loop;
		this.#system = system;
		this.#fd = system.tcpSocket(at.address);
		const reuse = this.#fd < 0 ? this.#fd : system.setOption(this.#fd, socketOption.SOCKET, socketOption.REUSEADDR, 1);
		const bound = reuse < 0 ? reuse : system.bind(this.#fd, at);
		const listening = bound < 0 ? bound : system.listen(this.#fd, 8);
		if (listening < 0) {
			if (this.#fd >= 0) system.close(this.#fd);
			throw new SafekitError(
				"REPLICATION_LISTEN",
				`cannot listen on ${at.address}:${at.port}: ${errnoName(listening)}`,
			);
		}
		const local = system.localAddress(this.#fd);
		this.port = typeof local === "number" ? at.port : local.port;
		loop.watch(this.#fd, poll.IN, () => {
			const got = system.accept(this.#fd);
			if (typeof got !== "number") accepted(got.fd);
		});
	}

	close(): void {
		this.#loop.unwatch(this.#fd);
		this.#system.close(this.#fd);
	}
}
