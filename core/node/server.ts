/** Commands come in here: `$SAFEVAR/run/daemon.sock`, one connection a command (the wire is in core/cli/safekit.mjs). */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { allGroups } from "../cli/all.ts";
import type { Call } from "../cli/call.ts";
import type { NodeControl } from "../cli/control.ts";
import { runProgram } from "../cli/program.ts";

/** Commands at once: scripts that call in loops stay far below. */
const connectionLimit = 256;
/** Bytes of a call: what the kernel allows for arguments is far more than any command needs. */
const callLimit = 1024 * 1024;
/** Output that a caller may leave unread before it is cut off (a stopped `logview`). */
const unreadLimit = 16 * 1024 * 1024;
const callWithinMs = 10_000;
/** Commands that only look: logging each would push everything else out of the command log. */
const unlogged = new Set([
	"state",
	"get",
	"rules",
	"log",
	"logview",
	"cmdlog",
	"printe",
	"printi",
	"printw",
	"waitstate",
	"checkloop",
]);

interface Request {
	argv: string[];
	module?: string;
	uid: number;
	cwd: string;
	pid: number;
	tty: boolean;
}

/** Listens for commands. An old socket file is replaced: whoever holds the instance is the only daemon. */
export async function listenForCommands(socketPath: string, node: NodeControl): Promise<Server> {
	mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
	rmSync(socketPath, { force: true });
	const server = createServer((socket) => serve(socket, node));
	server.maxConnections = connectionLimit;
	const before = process.umask(0o177);
	try {
		await new Promise<void>((resolve, reject) => {
			server.once("error", reject);
			server.listen(socketPath, resolve);
		});
	} finally {
		process.umask(before);
	}
	chmodSync(socketPath, 0o600);
	return server;
}

function serve(socket: Socket, node: NodeControl): void {
	let text = "";
	socket.setEncoding("utf8");
	socket.setTimeout(callWithinMs, () => socket.destroy());
	socket.on("error", () => socket.destroy());
	const onData = (part: string): void => {
		text += part;
		const end = text.indexOf("\n");
		if (end < 0 && text.length <= callLimit) return;
		socket.off("data", onData);
		socket.setTimeout(0);
		socket.resume();
		const request = end < 0 ? null : readRequest(text.slice(0, end));
		if (request === null) return void socket.destroy();
		void answer(socket, request, node);
	};
	socket.on("data", onData);
}

/** The call, checked: whoever may connect is root, but may be another version. */
function readRequest(line: string): Request | null {
	try {
		const call = JSON.parse(line) as Partial<Request>;
		const words = Array.isArray(call.argv) && call.argv.every((word) => typeof word === "string");
		if (!words || typeof call.pid !== "number" || typeof call.cwd !== "string" || typeof call.uid !== "number")
			return null;
		if (call.module !== undefined && typeof call.module !== "string") return null;
		return { ...(call as Request), tty: call.tty === true };
	} catch {
		return null;
	}
}

async function answer(socket: Socket, request: Request, node: NodeControl): Promise<void> {
	const abort = new AbortController();
	socket.on("close", () => abort.abort());
	const send = (frame: object): void => {
		if (socket.destroyed) return;
		if (socket.writableLength > unreadLimit) return void socket.destroy();
		socket.write(`${JSON.stringify(frame)}\n`);
	};
	const call: Call = {
		argv: request.argv,
		module: request.module,
		who: request.uid === 0 ? "root" : `uid ${request.uid}`,
		cwd: request.cwd,
		pid: request.pid,
		tty: request.tty,
		out: (text) => send({ o: text }),
		err: (text) => send({ e: text }),
		signal: abort.signal,
	};
	const logged = !unlogged.has(request.argv[0] ?? "");
	if (logged) node.commandLog.start(moduleOf(request), request.pid, request.argv.join(" "));
	const code = await runProgram(call, node, allGroups);
	if (logged) node.commandLog.end(request.pid, code);
	send({ x: code });
	socket.end();
}

function moduleOf({ argv, module }: Request): string {
	const at = argv.indexOf("-m");
	return (at < 0 ? module : argv[at + 1]) ?? "";
}
