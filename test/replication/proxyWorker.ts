/** Worker thread of a test: a TCP proxy that can be cut and stalled while the test itself blocks in a system call. */
import { connect, createServer, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const sockets = new Set<Socket>();
let [refuses, stalls] = [false, false];
const { target } = workerData as { target: number };

const server = createServer((socket) => {
	if (refuses) {
		socket.resetAndDestroy();
		return;
	}
	const other = connect(target, "127.0.0.1");
	for (const [from, to] of [
		[socket, other],
		[other, socket],
	] as const) {
		sockets.add(from);
		from.setNoDelay(true);
		from.on("data", (chunk) => to.write(chunk));
		from.on("error", () => to.destroy());
		from.on("close", () => {
			sockets.delete(from);
			to.destroy();
		});
		if (stalls) from.pause();
	}
});
server.listen(0, "127.0.0.1", () => parentPort!.postMessage((server.address() as { port: number }).port));

parentPort!.on("message", (command: "cut" | "mend" | "stall" | "flow") => {
	if (command === "cut") {
		refuses = true;
		for (const socket of sockets) socket.resetAndDestroy();
	} else if (command === "mend") refuses = false;
	else {
		stalls = command === "stall";
		for (const socket of sockets) stalls ? socket.pause() : socket.resume();
	}
});
