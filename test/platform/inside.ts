/** Runs inside a box: one request as JSON in the first argument, the answer as JSON on stdout. */

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { testOf } from "../../core/checkers/probes/index.ts";
import { asSafekitError } from "../../core/errors.ts";
import { systemClock } from "../../core/log/clock.ts";
import type { VipConfiguration } from "../../core/module/configuration.ts";
import type { CheckerSettings } from "../../core/module/settings/checkers.ts";
import { tentativeInterfaces } from "../../core/platform/early.ts";
import { platform } from "../../core/platform/index.ts";
import type { LocalInterface } from "../../core/vip/addresses.ts";
import { VipService } from "../../core/vip/service.ts";

export interface VipRequest {
	vip: VipConfiguration;
	record: string;
	peerAddresses?: string[];
}

export interface VipAnswer {
	ok: boolean;
	code?: string;
	message?: string;
	remedy?: string;
	tookMs: number;
	log: string[];
}

const { addresses, ping } = platform();

async function eth0(): Promise<LocalInterface> {
	return (await addresses.interfaces()).find((each) => each.name === "eth0") as LocalInterface;
}

function service(request: VipRequest, log: string[]): VipService {
	return new VipService({
		module: "m",
		id: 3,
		vip: request.vip,
		peerAddresses: request.peerAddresses ?? [],
		system: addresses,
		record: request.record,
		log: (level, text) => log.push(`${level} ${text}`),
	});
}

/** What was set stays when this process ends, as after a crash of the daemon. */
async function vip(request: VipRequest & { steps: ("set" | "unset")[] }): Promise<VipAnswer> {
	const log: string[] = [];
	const vips = service(request, log);
	const begin = performance.now();
	try {
		for (const step of request.steps) await vips[step]();
		return { ok: true, tookMs: performance.now() - begin, log };
	} catch (error) {
		const { code, message, remedy } = asSafekitError(error);
		return { ok: false, code, message, remedy, tookMs: performance.now() - begin, log };
	}
}

/** Serves one connection at the virtual address and unsets the address while the connection is open. */
async function serve(request: VipRequest & { ready: string }): Promise<VipAnswer> {
	const log: string[] = [];
	const vips = service(request, log);
	await vips.set();
	const server = createServer();
	server.listen(7777, request.vip.addresses[0]?.addr);
	await once(server, "listening");
	writeFileSync(request.ready, "");
	const [socket] = await once(server, "connection");
	socket.on("error", () => {});
	await once(socket, "data");
	const begin = performance.now();
	await vips.unset();
	return { ok: true, tookMs: performance.now() - begin, log };
}

/** Connects, says something and waits: how does the connection end within 5 s? */
async function client(addr: string): Promise<string> {
	const socket = connect(7777, addr);
	await once(socket, "connect");
	const ended = new Promise<string>((resolve) => {
		socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
		socket.on("close", () => resolve("closed"));
		setTimeout(() => resolve("open"), 5000);
	});
	socket.write("x");
	return ended;
}

/** What one look of each checker says, in words. */
async function probe(settings: CheckerSettings[], withinMs: number): Promise<string[]> {
	const system = { ping, interfaces: addresses.interfaces, whoHas: addresses.whoHas };
	return await Promise.all(
		settings.map(async (one) => {
			const looked = testOf(one, system, systemClock)?.probe(AbortSignal.timeout(withinMs));
			const verdict = await looked?.catch((error: Error) => ({ up: false, why: error.message, warning: undefined }));
			return [verdict?.up ? "up" : "down", verdict?.why, verdict?.warning].filter(Boolean).join(": ");
		}),
	);
}

const request = JSON.parse(process.argv[2] ?? "{}");
const answers: Record<string, () => Promise<unknown>> = {
	vip: () => vip(request),
	serve: () => serve(request),
	client: () => client(request.addr),
	whoHas: async () => addresses.whoHas(await eth0(), request.addr, request.timeoutMs),
	announce: async () => addresses.announce(await eth0(), request.addr),
	interfaces: () => addresses.interfaces(),
	tentative: async () => [...tentativeInterfaces()],
	probe: () => probe(request.settings, request.withinMs),
	ping: () => ping(request.addr, request.timeoutMs),
};
const answer = await answers[request.do]?.();
process.stdout.write(JSON.stringify(answer ?? null), () => process.exit(0));
