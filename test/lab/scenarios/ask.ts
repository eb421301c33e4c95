/**
 * A command given to the daemon of a node straight through its socket: what polls several times a second need not start
 * a shell and a Node each time. The wire is that of core/cli/safekit.mjs.
 */
import { connect } from "node:net";
import { join } from "node:path";
import type { LabNode } from "../../../sdk/lab/node.ts";

const answerMs = 30_000;

/** What the command prints on standard output. Rejects when no daemon answers, or with what it prints as an error. */
export function ask(node: LabNode, argv: string[]): Promise<string> {
	return new Promise((resolve, reject) => {
		let text = "";
		const socket = connect(join(node.disk("/var/safekit"), "run/daemon.sock"));
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
				resolve(saidIn(text));
			} catch (error) {
				reject(error);
			}
		});
	});
}

/** A daemon that is killed in the middle of an answer leaves half a line. */
function saidIn(text: string): string {
	const frames: { o?: string; e?: string; x?: number }[] = text
		.split("\n")
		.filter(Boolean)
		.map((line) => JSON.parse(line));
	const said = (stream: "o" | "e"): string => frames.map((frame) => frame[stream] ?? "").join("");
	if (frames.at(-1)?.x === 0) return said("o");
	throw new Error(said("e") || "the daemon ended during the command");
}
