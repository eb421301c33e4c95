/** From a permitted name to the addresses that may be connected to. What is connected to is exactly what was judged. */
import { lookup } from "node:dns/promises";
import { isIP, isIPv6, type LookupFunction } from "node:net";
import type { Judge } from "../permissions.ts";
import { Few } from "./few.ts";

/** The system's resolver takes a thread each time, and may sit there for long. */
const lookups = new Few(2);

/** @throws Error when the name is unknown, or everything behind it is forbidden. */
export async function addressesOf(judge: Judge, host: string, port: number, timeoutMs: number): Promise<string[]> {
	if (isIP(host) !== 0) return [host];
	const found = (await lookups.run(timeoutMs, () => lookup(host, { all: true }))).map(({ address }) => address);
	const allowed = found.filter((address) => judge.mayReach(host, address, port));
	const [first] = found;
	if (allowed.length === 0 && first !== undefined) {
		throw new Error(
			`${host} stands for ${first}, which is this server, link-local or nobody's: module.json has to ask for that address itself with permissions.net`,
		);
	}
	return allowed.slice(0, 8);
}

/** For Node's sockets: no second lookup, which might say something else. */
export function fixed(addresses: readonly string[]): LookupFunction {
	const all = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
	return (host, options, callback) => {
		const [first] = all;
		if (first === undefined) callback(new Error(`${host} has no address`), "", 4);
		else if (options.all) callback(null, all);
		else callback(null, first.address, first.family);
	};
}
