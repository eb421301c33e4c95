/** Addresses as permissions see them: written in one way, and those that stand for this server or for nobody. */
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { groupsOf } from "../schema/ipv6.ts";

export interface AddressRule {
	address: string;
	/** How many leading bits count. */
	length: number;
}

const special = new BlockList();
for (const [address, length] of [
	["0.0.0.0", 8],
	["127.0.0.0", 8],
	["169.254.0.0", 16],
	["192.0.0.0", 24],
	["224.0.0.0", 3],
] as const) {
	special.addSubnet(address, length, "ipv4");
}
for (const [address, length] of [
	["::", 127],
	["fe80::", 10],
	["fec0::", 10],
	["ff00::", 8],
	["fd00:ec2::254", 128],
] as const) {
	special.addSubnet(address, length, "ipv6");
}

/** Loopback, link-local, unspecified, multicast, reserved: reached only where they are named. */
export function isSpecialAddress(address: string): boolean {
	const plain = plainAddress(address);
	if (isIPv4(plain)) return special.check(plain, "ipv4");
	return !isIPv6(plain) || special.check(plain, "ipv6");
}

export function isLoopback(address: string): boolean {
	const plain = plainAddress(address);
	return plain === "::1" || (isIPv4(plain) && plain.startsWith("127."));
}

/** IPv4 that hides in IPv6 (mapped, compatible, NAT64, 6to4) comes out; the rest in its shortest form, without zone. */
export function plainAddress(address: string): string {
	if (isIPv4(address)) return address;
	const bare = address.split("%")[0] ?? "";
	if (!isIPv6(bare)) return address;
	const [a, b, c, d, e, f, g, h] = groupsOf(bare) as [number, number, number, number, number, number, number, number];
	const none = (...parts: number[]): boolean => parts.every((part) => part === 0);
	if (none(a, b, c, d, e) && (f === 0xffff || (f === 0 && (g !== 0 || h > 1)))) return v4(g, h);
	if (none(a, b, c, d) && e === 0xffff && f === 0) return v4(g, h);
	if (a === 0x64 && b === 0xff9b && none(c, d, e, f)) return v4(g, h);
	if (a === 0x2002) return v4(b, c);
	return new URL(`http://[${bare}]/`).hostname.slice(1, -1);
}

function v4(high: number, low: number): string {
	return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
