/** Runs in the network of a node or of the clients: takes messages from its parent and carries them out there. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, isIPv4, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { FarmModule, FarmView } from "../../../core/engine/farm/group.ts";
import { asSafekitError } from "../../../core/errors.ts";
import { OwnPulses } from "../../../core/heartbeat/own.ts";
import type { VipConfiguration } from "../../../core/module/configuration.ts";
import { platform } from "../../../core/platform/index.ts";
import { FarmAddresses } from "../../../core/vip/farm/service.ts";

export interface NodeStart {
	farm: FarmModule;
	vip: VipConfiguration;
	record: string;
}

export interface Asked {
	from: string;
	to: string;
	port: number;
}

const pulseMs = 20;
const secondMs = 200;
const log: string[] = [];
let addresses: FarmAddresses | undefined;
let pulses: NodeJS.Timeout | undefined;
const kept = new Map<number, Socket>();

const work: Record<string, (value: never) => Promise<unknown>> = {
	async start({ farm, vip, record }: NodeStart) {
		addresses = new FarmAddresses({
			farm,
			vip,
			record,
			system: platform().addresses,
			log: (level, text) => log.push(`${level} ${text}`),
		});
	},
	set: async () => await addresses?.set(),
	/** The module has stopped here: it is in no group. */
	async unset() {
		await addresses?.unset();
		addresses?.hear(null);
	},
	resume: async () => await addresses?.resume(),
	log: async () => log.splice(0),
	/** How long it took, in milliseconds. */
	async share(view: FarmView) {
		const begin = performance.now();
		await addresses?.share(view);
		return performance.now() - begin;
	},
	/** Datagrams such as the heartbeat thread's, to another node and to itself. */
	async pulses({ to, port }: { to: string | null; port: number }) {
		clearInterval(pulses);
		if (to === null) return;
		const socket = createSocket("udp4").unref();
		const own = new OwnPulses(port);
		pulses = setInterval(() => {
			socket.send("pulse", port, to);
			own.follow();
		}, pulseMs);
	},
	/** Says its name to every line, and as many bytes as it asks for; and its name to every datagram to one of the addresses. */
	async serve({ name, port, datagrams }: { name: string; port: number; datagrams: string[] }) {
		const server = createServer((socket) => {
			socket.on("error", () => {});
			socket.on("data", (line) => socket.write(`${name}\n${".".repeat(Number(line))}`));
		});
		server.listen(port, "::");
		await once(server, "listening");
		for (const addr of datagrams) {
			const socket = createSocket({ type: isIPv4(addr) ? "udp4" : "udp6" });
			socket.on("message", (_, from) => socket.send(name, from.port, from.address));
			socket.bind(port, addr);
			await once(socket, "listening");
		}
	},
	/** Who answers each client by TCP; null: nobody within the time. */
	tcp: async ({ clients, withinMs, bytes }: { clients: Asked[]; withinMs: number; bytes?: number }) =>
		await Promise.all(clients.map((client) => answerOf(client, withinMs, bytes))),
	/** Everybody who answers each client's datagram. */
	udp: async ({ clients, withinMs, bytes = 1 }: { clients: Asked[]; withinMs: number; bytes?: number }) =>
		await Promise.all(clients.map((client) => answersTo(client, withinMs, bytes))),
	/** Opens a connection that stays; returns its number and who answered. */
	async keep(client: Asked) {
		const socket = await opened(client, 10_000);
		if (socket === null) return null;
		kept.set(kept.size, socket);
		return { id: kept.size - 1, name: await said(socket, 10_000) };
	},
	/** Asks again over a connection that stays: the name, or how it ended. */
	async again({ id, withinMs, bytes }: { id: number; withinMs: number; bytes?: number }) {
		const socket = kept.get(id);
		return socket === undefined ? "closed" : await said(socket, withinMs, bytes);
	},
	/** Connects again and again for `forMs`; returns the longest time without an answer. */
	async gap({ client, forMs }: { client: Asked; forMs: number }) {
		const begin = performance.now();
		let [last, longest, answers] = [begin, 0, 0];
		const names = new Set<string>();
		while (performance.now() - begin < forMs) {
			const asked = performance.now();
			void answerOf(client, 5000).then((name) => {
				if (name === null || asked < last) return;
				longest = Math.max(longest, asked - last);
				last = asked;
				answers++;
				names.add(name);
			});
			await sleep(5);
		}
		await sleep(1500);
		return { longest, answers, names: [...names] };
	},
	ping: async ({ addr, withinMs }: { addr: string; withinMs: number }) => await platform().ping(addr, withinMs),
};

async function opened({ from, to, port }: Asked, withinMs: number): Promise<Socket | null> {
	const socket = connect({ host: to, port, localAddress: from });
	socket.on("error", () => {});
	const open = await Promise.race([once(socket, "connect"), once(socket, "close").catch(() => null), sleep(withinMs)]);
	if (socket.readyState === "open" && open !== undefined) return socket;
	socket.destroy();
	return null;
}

/** Who answers, with so many bytes more; "closed" or the reason; null: not all came within the time. */
async function said(socket: Socket, withinMs: number, bytes = 0): Promise<string | null> {
	let failure = "closed";
	socket.once("error", (error: NodeJS.ErrnoException) => {
		failure = error.code ?? "error";
	});
	if (socket.destroyed) return failure;
	let text = "";
	const answer = new Promise<string>((resolve) => {
		const take = (data: Buffer): void => {
			text += data;
			const end = text.indexOf("\n");
			if (end < 0 || text.length < end + 1 + bytes) return;
			socket.off("data", take);
			resolve(text.slice(0, end));
		};
		socket.on("data", take);
	});
	const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(failure)));
	socket.write(`${bytes}\n`);
	return await Promise.race([answer, closed, sleep(withinMs, null)]);
}

async function answerOf(client: Asked, withinMs: number, bytes = 0): Promise<string | null> {
	const socket = await opened(client, withinMs);
	if (socket === null) return null;
	const name = await said(socket, withinMs, bytes);
	socket.destroy();
	return name;
}

async function answersTo({ from, to, port }: Asked, withinMs: number, bytes: number): Promise<string[]> {
	const socket = createSocket(isIPv4(to) ? "udp4" : "udp6");
	const names: string[] = [];
	socket.on("message", (data) => names.push(String(data)));
	socket.on("error", () => {});
	socket.bind(0, from);
	await once(socket, "listening");
	socket.send("?".repeat(bytes), port, to);
	const end = performance.now() + withinMs;
	while (names.length === 0 && performance.now() < end) await sleep(10);
	// Somebody else may answer too.
	await sleep(secondMs);
	socket.close();
	return names;
}

process.on("message", async ({ id, act, value }: { id: number; act: string; value: never }) => {
	try {
		process.send?.({ id, value: (await work[act]?.(value)) ?? null });
	} catch (error) {
		const { code, message } = asSafekitError(error);
		process.send?.({ id, error: `${code}: ${message}` });
	}
});
process.on("disconnect", () => process.exit(0));
process.send?.({ id: 0, value: "ready" });
