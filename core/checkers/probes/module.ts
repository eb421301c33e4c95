/**
 * module: another module serves (spec/02 §10). Asks the web service of its server for `/api/v1/modules/NAME` and reads
 * `state`, `status`, `node` and `startedAt` of the answer: up is PRIM, ALONE or UP with status Ready. Another node or
 * start of the application than before means that the module was restarted or has moved.
 */
import { request as plain } from "node:http";
import { request as secured } from "node:https";
import { addressOf } from "../names.ts";
import type { Probe, Verdict } from "../probe.ts";

export interface ModuleTarget {
	name: string;
	addr: string;
	port: number;
	secure: boolean;
}

const answerBytes = 64 * 1024;
const serving = new Set(["PRIM", "ALONE", "UP"]);

export function moduleProbe(target: ModuleTarget): Probe {
	return async (signal) => {
		const host = await addressOf(target.addr, signal);
		const { status, text } = await get({ ...target, addr: host }, signal);
		if (status === 404) return { up: false, why: `${target.addr} has no module ${target.name}` };
		if (status !== 200) return { up: false, why: `${target.addr} answered ${status}` };
		return verdictOf(target.name, text);
	};
}

function verdictOf(name: string, text: string): Verdict {
	const says = read(text);
	if (says === null) return { up: false, why: "the answer is none of a web service of this product" };
	const { state, status, node, startedAt } = says;
	const up = serving.has(String(state)) && status === "Ready";
	const why = `${name} is ${state} ${status} on ${node}`;
	return { up, why, ...(up && typeof startedAt === "string" ? { run: `${node} ${startedAt}` } : {}) };
}

function read(text: string): Record<string, unknown> | null {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === "object" && value !== null && "state" in value ? (value as Record<string, unknown>) : null;
	} catch {
		return null;
	}
}

/** Certificates are not verified: a cluster's are its own, and the answer is no secret. */
function get(target: ModuleTarget, signal: AbortSignal): Promise<{ status: number; text: string }> {
	const { name, addr, port, secure } = target;
	const request = secure ? secured : plain;
	const path = `/api/v1/modules/${encodeURIComponent(name)}`;
	return new Promise((resolve, reject) => {
		const options = { host: addr, port, path, signal, agent: false as const, rejectUnauthorized: false };
		const asked = request(options, (answer) => {
			let text = "";
			answer.setEncoding("utf8");
			answer.on("error", reject);
			answer.on("data", (part: string) => {
				text += part;
				if (text.length > answerBytes) asked.destroy(new Error("the answer is too long"));
			});
			answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
		});
		asked.on("error", reject);
		asked.end();
	});
}
