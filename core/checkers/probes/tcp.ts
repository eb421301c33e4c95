/** tcp: a connection can be opened (spec/02 §10). Nothing is sent over it. */
import { connect } from "node:net";
import { addressOf } from "../names.ts";
import type { Probe } from "../probe.ts";

export function tcpProbe({ addr, port }: { addr: string; port: number }): Probe {
	return async (signal) => {
		const host = await addressOf(addr, signal);
		return await new Promise((resolve) => {
			const socket = connect({ host, port });
			const end = (up: boolean, why: string): void => {
				signal.removeEventListener("abort", late);
				socket.destroy();
				resolve({ up, why });
			};
			const late = (): void => end(false, `no answer from ${addr} port ${port}`);
			socket.once("connect", () => end(true, `${addr} port ${port} answers`));
			socket.on("error", (error: NodeJS.ErrnoException) => end(false, error.message));
			if (signal.aborted) late();
			else signal.addEventListener("abort", late, { once: true });
		});
	};
}
