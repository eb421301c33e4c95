/** The witness of `<splitbrain exec="ping">`: before going alone a node asks whether it still reaches the world. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** As core/platform offers it. */
export type Ping = (addr: string, timeoutMs: number) => Promise<boolean>;

/**
 * True if at least one of the addresses or names answers (spec/01 §10). All are asked at once; takes at most
 * `timeoutMs`, and no longer than the first answer. What cannot be asked counts as no answer.
 */
export function anyAnswers(addresses: readonly string[], ping: Ping, timeoutMs: number): Promise<boolean> {
	return new Promise((resolve) => {
		const answer = (reached: boolean) => {
			clearTimeout(timer);
			resolve(reached);
		};
		const timer = setTimeout(() => answer(false), timeoutMs);
		const all = addresses.map(async (addr) => {
			if (await asked(addr, ping, timeoutMs)) answer(true);
		});
		void Promise.all(all).then(() => answer(false));
	});
}

async function asked(addr: string, ping: Ping, timeoutMs: number): Promise<boolean> {
	try {
		return await ping(isIP(addr) === 0 ? (await lookup(addr)).address : addr, timeoutMs);
	} catch {
		return false;
	}
}
