/** Looks whether somebody else has an address, before it is taken. */
import { setTimeout as sleep } from "node:timers/promises";
import { addressOf } from "../checkers/names.ts";
import { SafekitError } from "../errors.ts";
import type { AddressSystem, LocalInterface } from "./addresses.ts";
import { inNetwork } from "./network.ts";

const askMs = 250;
/** For the peer's names; an answer that comes later is there at the next look. */
const nameMs = 250;
/** A peer that hands over takes its address away within this time; then it is taken from it. */
const peerMs = 1000;
/** How long to wait for a stranger to give the address up. */
const strangerMs = 3000;

export interface Candidate {
	iface: LocalInterface;
	addr: string;
	/** MAC addresses of those who may answer for it. */
	friends: readonly string[];
}

/**
 * Resolves when the address may be taken: nobody answers for it, or only the peer still does, which then returns its
 * MAC address (the engine has decided that this node serves, so a peer that cannot even remove an address does not
 * hinder it). Throws VIP_TAKEN if another machine keeps answering.
 */
export async function awaitFree(
	system: AddressSystem,
	candidate: Candidate,
	peerAddresses: readonly string[],
): Promise<string | null> {
	const begin = performance.now();
	for (;;) {
		const mac = await system.whoHas(candidate.iface, candidate.addr, askMs);
		if (mac === null || candidate.friends.includes(mac)) return null;
		const elapsedMs = performance.now() - begin;
		const peer = elapsedMs >= peerMs && (await isPeer(system, candidate.iface, mac, peerAddresses));
		if (peer) return mac;
		if (elapsedMs >= strangerMs) {
			throw new SafekitError(
				"VIP_TAKEN",
				`the virtual address ${candidate.addr} is in use by the machine with MAC address ${mac} on ${candidate.iface.name}`,
			);
		}
		await sleep(50);
	}
}

/** True if one of the peer's addresses in a network of this interface answers from `mac`. */
async function isPeer(
	system: AddressSystem,
	iface: LocalInterface,
	mac: string,
	peerAddresses: readonly string[],
): Promise<boolean> {
	const known = await literals(peerAddresses);
	const near = known.filter((addr) => iface.addresses.some((own) => inNetwork(addr, own.addr, own.prefix)));
	const owners = await Promise.all(near.map((addr) => system.whoHas(iface, addr, askMs)));
	return owners.includes(mac);
}

/** Without the names that do not resolve: the peer may be known by another one. */
async function literals(hosts: readonly string[]): Promise<string[]> {
	const signal = AbortSignal.timeout(nameMs);
	const found = await Promise.allSettled(hosts.map((host) => addressOf(host, signal)));
	return found.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}
