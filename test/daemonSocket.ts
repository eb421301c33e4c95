/**
 * A command given to a daemon straight through its socket: what asks several times a second, or of hundreds of modules,
 * need not start a Node each time. The wire is that of core/cli/safekit.mjs.
 */
import { connect } from "node:net";

export interface Answered {
	/** null: the daemon ended during the command. */
	code: number | null;
	out: string;
	err: string;
}

const answerMs = 120_000;

/** Rejects when no daemon answers. */
export function callDaemon(socketPath: string, argv: string[]): Promise<Answered> {
	return new Promise((resolve, reject) => {
		let text = "";
		const socket = connect(socketPath);
		socket.setEncoding("utf8").setTimeout(answerMs, () => socket.destroy(new Error("no answer from the daemon")));
		socket.on("connect", () => {
			socket.write(`${JSON.stringify({ argv, uid: 0, cwd: "/", pid: process.pid, tty: false })}\n`);
		});
		socket.on("data", (part) => {
			text += part;
		});
		socket.on("error", reject);
		socket.on("close", () => {
			try {
				resolve(answeredIn(text));
			} catch (error) {
				reject(error);
			}
		});
	});
}

/** A daemon that is killed in the middle of an answer leaves half a line. */
function answeredIn(text: string): Answered {
	const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
	const frames: { o?: string; e?: string; x?: number }[] = lines.filter(Boolean).map((line) => JSON.parse(line));
	const said = (stream: "o" | "e"): string => frames.map((frame) => frame[stream] ?? "").join("");
	return { code: frames.at(-1)?.x ?? null, out: said("o"), err: said("e") };
}
