/**
 * A program: asks a DNS server over UDP for the TXT record `who.farm`, from each of many addresses, several times.
 * Argument: a DnsPlan as JSON. Prints, as JSON, for each client who answered each question: the text of each answer.
 */
import { createSocket } from "node:dgram";
import { setTimeout as sleep } from "node:timers/promises";

export interface DnsPlan {
	target: string;
	sources: string[];
	/** Questions of each client, one after the other. */
	times: number;
	/** How long all answers of a question are waited for: also a second one that must not come. */
	answerMs: number;
}

const plan = JSON.parse(process.argv[2] ?? "{}") as DnsPlan;
const question = Buffer.concat([
	Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
	Buffer.from("\x03who\x04farm\x00\x00\x10\x00\x01", "latin1"),
]);

async function ask(source: string): Promise<string[][]> {
	const socket = createSocket(plan.target.includes(":") ? "udp6" : "udp4");
	// A refusal is no answer.
	socket.on("error", () => {});
	await new Promise<void>((resolve) => socket.bind(0, source, resolve));
	// Linux numbers the packets of a connected socket only: on_ipid needs the numbers.
	await new Promise<void>((resolve) => socket.connect(53, plan.target, resolve));
	const answers: string[][] = Array.from({ length: plan.times }, () => []);
	socket.on("message", (message) => answers[message.readUInt16BE(0)]?.push(textOf(message)));
	for (let number = 0; number < plan.times; number++) {
		const packet = Buffer.from(question);
		packet.writeUInt16BE(number, 0);
		socket.send(packet);
		await sleep(5);
	}
	const giveUp = performance.now() + plan.answerMs;
	while (performance.now() < giveUp && answers.some((texts) => texts.length === 0)) await sleep(20);
	await sleep(200);
	socket.close();
	return answers;
}

/** The text is the last thing in the answer. */
function textOf(message: Buffer): string {
	const answer = message.subarray(question.length);
	return answer.subarray(13, 13 + (answer[12] ?? 0)).toString("latin1");
}

const all = await Promise.all(plan.sources.map(ask));
process.stdout.write(`${JSON.stringify(all)}\n`);
