/** The data thread's watch over its holder: one that dies is followed by another at once. */
import { poll } from "../errno.ts";
import type { FuseServer } from "../fuse/server.ts";
import type { DataLoop } from "../loop/dataLoop.ts";
import type { System } from "../system.ts";

interface Keeping {
	loop: DataLoop;
	system: System;
	servers: readonly FuseServer[];
	/** `hold`: start a holder of these descriptors. `keep`: end any other holder. */
	say(message: { hold: number[] } | { keep: number }): void;
}

/** After a holder that could not be started. */
const againMs = 1000;

/**
 * Asks for a holder, or watches the one from which the mounts were taken over.
 * @returns takes the pid of the one that was asked for, 0 if it could not be started.
 */
export function keepHeld(
	{ loop, system, servers, say }: Keeping,
	adopted: { pid: number; pidfd: number } | null,
): (pid: number) => void {
	const hold = (): void => {
		// Of a mount that is gone nothing is held; then the process is about to end.
		if (servers.every((server) => server.mountedOn !== null)) say({ hold: servers.flatMap((server) => server.held) });
	};
	const watch = (pidfd: number): void => {
		loop.watch(pidfd, poll.IN, () => {
			loop.unwatch(pidfd);
			system.close(pidfd);
			hold();
		});
	};
	if (adopted === null) hold();
	else {
		watch(adopted.pidfd);
		say({ keep: adopted.pid });
	}
	return (pid) => {
		const pidfd = pid === 0 ? -1 : system.pidfd(pid);
		if (pidfd >= 0) watch(pidfd);
		else loop.timer(againMs, hold);
	};
}
