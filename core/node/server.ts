/** Commands come in here: `$SAFEVAR/run/daemon.sock`, one connection a command (the wire is in core/cli/safekit.mjs). */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import { allGroups } from "../cli/all.ts";
import type { Call, RemoteCaller } from "../cli/call.ts";
import type { NodeControl } from "../cli/control.ts";
import { runProgram } from "../cli/program.ts";
import type { Asked } from "../cluster/remote/serve.ts";

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
	/** Never from a caller of this server. */
	remote?: RemoteCaller;
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
		const { argv, module, uid, cwd, pid, tty } = call as Request;
		return { argv, ...(module === undefined ? {} : { module }), uid, cwd, pid, tty: tty === true };
	} catch {
		return null;
	}
}

/** A command of another server, from where it is carried out as one of this server's. */
export function answerRemote(socket: Duplex, asked: Asked, node: NodeControl): Promise<void> {
	const { argv, module, address, invitation, body } = asked;
	const request = { argv, ...(module === undefined ? {} : { module }), uid: 0, cwd: "/", pid: 0, tty: false };
	return answer(socket, { ...request, remote: { address, invitation, body } }, node);
}

async function answer(socket: Duplex, request: Request, node: NodeControl): Promise<void> {
	const { remote } = request;
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
		who: remote !== undefined ? `admin@${remote.address}` : request.uid === 0 ? "root" : `uid ${request.uid}`,
		cwd: request.cwd,
		pid: request.pid,
		tty: request.tty,
		out: (text) => send({ o: text }),
		err: (text) => send({ e: text }),
		signal: abort.signal,
		...(remote === undefined ? {} : { remote }),
	};
	const logged = !unlogged.has(wordOf(request.argv));
	const from = remote === undefined ? "" : ` -u admin@${remote.address}`;
	if (logged) node.commandLog.start(moduleOf(request), request.pid, `${request.argv.join(" ")}${from}`);
	const code = await runProgram(call, node, allGroups);
	if (logged) node.commandLog.end(request.pid, code);
	send({ x: code });
	socket.end();
}

/** The command itself, behind the servers that it is for. */
function wordOf(argv: readonly string[]): string {
	return (argv[0] === "-H" ? argv[2] : argv[0]) ?? "";
}

function moduleOf({ argv, module }: Request): string {
	const at = argv.indexOf("-m");
	return (at < 0 ? module : argv[at + 1]) ?? "";
}
