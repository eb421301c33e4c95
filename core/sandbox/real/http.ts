/** HTTP as a checker may use it: no redirects, no proxies, no connection that is kept, bounded answers. */
import { type IncomingMessage, request as plain } from "node:http";
import { request as secure } from "node:https";
import { bodyLimit, type HttpAnswer, type HttpRequest } from "../outside.ts";
import type { Judge } from "../permissions.ts";
import { addressesOf, fixed } from "./places.ts";
import { tlsOptions } from "./tcp.ts";

export async function http(
	judge: Judge,
	{ method, url, headers, body, timeoutMs, tls }: HttpRequest,
): Promise<HttpAnswer> {
	const to = new URL(url);
	const isSecure = to.protocol === "https:";
	const host = to.hostname.replace(/^\[|\]$/g, "");
	const port = to.port === "" ? (isSecure ? 443 : 80) : Number(to.port);
	const endMs = performance.now() + timeoutMs;
	const addresses = await addressesOf(judge, host, port, timeoutMs);
	const signal = AbortSignal.timeout(Math.max(1, Math.ceil(endMs - performance.now())));
	const options = {
		...{ method, host, port, path: to.pathname + to.search, signal, agent: false as const, lookup: fixed(addresses) },
		...{ headers: { ...headers, host: to.host, connection: "close" }, maxHeaderSize: 16_384 },
	};
	try {
		return await new Promise<HttpAnswer>((resolve, reject) => {
			const request = isSecure ? secure({ ...options, ...tlsOptions(tls) }) : plain(options);
			request.on("error", reject);
			request.on("response", (response) => void read(response).then(resolve, reject));
			// Not asked for: nothing is spoken over it.
			request.on("upgrade", (_, socket) => {
				socket.destroy();
				reject(new Error("it wants to speak another protocol"));
			});
			request.end(body ?? undefined);
		});
	} catch (error) {
		if (signal.aborted) throw new Error(`no answer within ${Math.round(timeoutMs)} ms`);
		throw error;
	}
}

async function read(response: IncomingMessage): Promise<HttpAnswer> {
	const parts: Buffer[] = [];
	let size = 0;
	for await (const part of response as AsyncIterable<Buffer>) {
		size += part.length;
		if (size > bodyLimit) {
			response.destroy();
			throw new Error("the answer is over 1 MiB");
		}
		parts.push(part);
	}
	const headers = Object.entries(response.headers).map(([name, value]) => [name, [value ?? ""].flat().join(", ")]);
	return {
		status: response.statusCode ?? 0,
		headers: Object.fromEntries(headers),
		body: Buffer.concat(parts).toString("utf8"),
	};
}
