/**
 * Names of hosts. A name service that does not answer holds a thread of Node's four for each question, which files
 * need too: so there are never more than two questions on their way, and one for each name.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

const atOnce = 2;
const asking = new Map<string, Promise<string>>();
const waiting: (() => void)[] = [];
let busy = 0;

/** The first address of a name; an address is its own. Rejects when it does not resolve, or when `signal` is aborted. */
export async function addressOf(host: string, signal: AbortSignal): Promise<string> {
	if (isIP(host.split("%")[0] ?? "") !== 0) return host;
	const known = asking.get(host) ?? ask(host);
	return await Promise.race([known, aborted(host, signal)]);
}

function ask(host: string): Promise<string> {
	const asked = resolve(host);
	asking.set(host, asked);
	asked.finally(() => asking.delete(host)).catch(() => {});
	return asked;
}

async function resolve(host: string): Promise<string> {
	while (busy >= atOnce) await new Promise<void>((go) => waiting.push(go));
	busy++;
	try {
		return (await lookup(host)).address;
	} finally {
		busy--;
		waiting.shift()?.();
	}
}

function aborted(host: string, signal: AbortSignal): Promise<never> {
	return new Promise((_, reject) => {
		const give = (): void => reject(new Error(`the name ${host} was not resolved in time`));
		if (signal.aborted) give();
		else signal.addEventListener("abort", give, { once: true });
	});
}
