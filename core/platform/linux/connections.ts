/** Established TCP connections of this server, from /proc/net/tcp and tcp6. */
import { createReadStream } from "node:fs";
import { isIPv4, SocketAddress } from "node:net";
import { createInterface } from "node:readline";

/** About 400,000 connections; more are not counted. */
const byteLimit = 64 * 1024 * 1024;
const established = "01";

/** By local address, of those that are asked for. */
export async function countConnections(addresses: readonly string[]): Promise<ReadonlyMap<string, number>> {
	const counts = new Map(addresses.map((addr) => [addr, 0]));
	const byHex = new Map(addresses.flatMap((addr) => hexOf(addr).map((hex) => [hex, addr] as const)));
	for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
		// Without IPv6 the second does not exist.
		await eachLine(file, (local, state) => {
			const addr = state === established ? byHex.get(local) : undefined;
			if (addr !== undefined) counts.set(addr, (counts.get(addr) ?? 0) + 1);
		});
	}
	return counts;
}

async function eachLine(file: string, take: (local: string, state: string) => void): Promise<void> {
	const input = createReadStream(file, { end: byteLimit });
	try {
		for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
			const [, local = "", , state = ""] = line.trim().split(/\s+/, 4);
			take(local.slice(0, local.indexOf(":")), state);
		}
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
	} finally {
		input.destroy();
	}
}

/** As the kernel prints them: words in the machine's order, which is little-endian on all that this runs on. */
function hexOf(addr: string): string[] {
	if (isIPv4(addr)) {
		const hex = words(Buffer.from(addr.split(".").map(Number)));
		return [hex, `0000000000000000FFFF0000${hex}`];
	}
	return [words(bytesOf(addr))];
}

function words(bytes: Buffer): string {
	return Buffer.from(bytes).swap32().toString("hex").toUpperCase();
}

/** The 16 bytes of an IPv6 address. */
function bytesOf(addr: string): Buffer {
	const { address } = new SocketAddress({ address: addr.split("%")[0], family: "ipv6" });
	const mapped = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
		[(Number(a) << 8) | Number(b), (Number(c) << 8) | Number(d)].map((word) => word.toString(16)).join(":"),
	);
	const [head = "", tail] = mapped.split("::");
	const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
	const [before, after] = [groups(head), groups(tail ?? "")];
	const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill("0");
	return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join(""), "hex");
}
