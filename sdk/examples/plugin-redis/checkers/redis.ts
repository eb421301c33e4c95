/** `<redis ident="db" when="prim"><to addr="127.0.0.1" port="6379"/></redis>`: Redis answers PING. */
import { connect } from "node:net";
import { address, type CheckerAnswer, type CheckerKind, type CheckerTarget, port } from "opensafe";

/** Most that Redis says before it counts as an answer, in characters. */
const maxAnswer = 1024;

export const redis: CheckerKind = {
	name: "redis",
	doc: "Sends PING to a Redis server.",
	attributes: {
		addr: { type: address, default: "127.0.0.1", dyn: true, doc: "Address of the server." },
		port: { type: port, default: "6379", dyn: true, doc: "TCP port." },
	},
	test: ask,
};

function ask({ values, elements }: CheckerTarget, signal: AbortSignal): Promise<CheckerAnswer> {
	const [access] = elements.redis_access ?? [];
	const login = access === undefined ? "" : command("AUTH", String(access.user), String(access.password));
	return new Promise((resolve) => {
		const socket = connect({ host: String(values.addr), port: Number(values.port), signal });
		let said = "";
		const end = (up: boolean, why: string): void => {
			socket.destroy();
			resolve({ up, why });
		};
		socket.setEncoding("utf8");
		socket.on("connect", () => socket.write(`${login}${command("PING")}`));
		socket.on("data", (text) => {
			said = (said + text).slice(-maxAnswer);
			const refusal = /^-(.*)\r\n/m.exec(said);
			if (refusal !== null) end(false, `Redis answers ${refusal[1]}`);
			else if (said.includes("+PONG\r\n")) end(true, "Redis answers PONG");
		});
		socket.on("error", (error) => end(false, error.message));
		socket.on("close", () => end(false, "Redis has closed the connection"));
	});
}

/** As Redis reads commands: the number of words, and each word with its length. */
function command(...words: string[]): string {
	return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}
