/** Addresses of this machine: set through iproute2, announced and asked for through raw frames. */
import { isIPv4 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { AddressSystem, LocalInterface } from "../../vip/addresses.ts";
import { countConnections } from "./connections.ts";
import {
	arpAnnouncements,
	arpOwner,
	arpProbe,
	ETH_P_ARP,
	ETH_P_IPV6,
	neighbourAdvertisement,
	neighbourOwner,
	neighbourProbe,
} from "./frames.ts";
import { ip } from "./ip.ts";
import { readInterfaces } from "./links.ts";
import { nftBatch, nftTables } from "./nft.ts";
import { nftGeneration } from "./nftGeneration.ts";
import { fillSets } from "./nftSets.ts";
import { PacketSocket } from "./packetSocket.ts";
import { preferSource, releaseSource } from "./routes.ts";
import { addSharedLink, raiseSharedLink, removeSharedLink } from "./sharedLinks.ts";
import { trackedClients } from "./tracking.ts";

const probesAtMs = [0, 60, 150];

export const addresses: AddressSystem = {
	countConnections,
	trackedClients,

	interfaces: async () => readInterfaces(),

	async add(iface, addr, prefix, { primary, label }) {
		const four = isIPv4(addr);
		// A label is at most 15 bytes long; without one the address works all the same.
		const labelled = four && label !== "" && label.length <= 15 ? ["label", label] : [];
		// IPv6: whoHas has already looked for duplicates, and a tentative address could not be used for a second.
		const options = four ? labelled : ["nodad", ...(primary ? [] : ["preferred_lft", "0"])];
		const address = ["addr", "replace", `${addr}/${prefix}`, "dev", iface, ...options];
		await ip(...(four ? [] : ["-6"]), ...address);
		if (primary) await preferSource(iface, addr);
	},

	addLink: addSharedLink,
	raiseLink: raiseSharedLink,
	removeLink: removeSharedLink,
	filter: nftBatch,
	listTables: nftTables,
	filterGeneration: async () => nftGeneration(),
	fillSets: async (contents) => fillSets(contents),

	async remove(iface, addr, prefix) {
		try {
			await releaseSource(iface, addr);
			await ip("addr", "del", `${addr}/${prefix}`, "dev", iface);
		} catch (error) {
			if (!/Cannot assign|Cannot find device|Address not found|No such device/.test(String(error))) throw error;
		}
	},

	async announce(iface, addr) {
		if (!canSpeak(iface)) return;
		const four = isIPv4(addr);
		const socket = new PacketSocket(iface.index, four ? ETH_P_ARP : ETH_P_IPV6);
		try {
			const frames = four ? arpAnnouncements(iface.mac, addr) : [neighbourAdvertisement(iface.mac, addr)];
			for (const frame of frames) socket.send(frame);
		} finally {
			socket.close();
		}
	},

	async whoHas(iface, addr, timeoutMs) {
		if (!canSpeak(iface)) return null;
		const four = isIPv4(addr);
		const probe = four ? arpProbe(iface.mac, addr) : neighbourProbe(iface.mac, addr);
		const owner = four ? arpOwner : neighbourOwner;
		const socket = new PacketSocket(iface.index, four ? ETH_P_ARP : ETH_P_IPV6);
		try {
			const begin = performance.now();
			const due = [...probesAtMs];
			for (;;) {
				const elapsedMs = performance.now() - begin;
				if (due[0] !== undefined && elapsedMs >= due[0]) {
					due.shift();
					socket.send(probe);
				}
				for (let frame = socket.receive(); frame !== null; frame = socket.receive()) {
					const mac = owner(frame, addr, iface.mac);
					if (mac !== null) return mac;
				}
				if (elapsedMs >= timeoutMs) return null;
				await sleep(5);
			}
		} finally {
			socket.close();
		}
	},

	async resetConnections(addr) {
		// ss has been seen to hang on some kernels, hence the limit.
		await execa("ss", ["-K", "-t", "-n", "-H", "src", isIPv4(addr) ? addr : `[${addr}]`], {
			timeout: 1000,
			killSignal: "SIGKILL",
			stdout: "ignore",
		});
	},
};

/** Over an interface that is down nobody can be asked or told anything. */
function canSpeak(iface: LocalInterface): boolean {
	return iface.up && iface.mac !== "" && !iface.loopback;
}
