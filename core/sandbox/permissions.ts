/**
 * What the TypeScript checkers of a package may reach: `permissions` of its module.json. Without that file: nothing.
 * A permission is judged here, before anything is tried; names are judged a second time by the addresses behind them.
 */
import { BlockList, isIP, isIPv6 } from "node:net";
import { posix } from "node:path";
import { type AddressRule, isLoopback, isSpecialAddress, plainAddress } from "./addresses.ts";

export interface Permissions {
	/**
	 * Where it may connect to: `host`, `host:port`, `*.domain:port`, `10.0.0.0/8:port`, `[2001:db8::]/32:port`. Without
	 * a port: any. This server itself has to be named too: `localhost:5432` or `127.0.0.1:5432`.
	 */
	net: string[];
	/** Programs: absolute paths, or the names of programs in the package's bin/. */
	exec: string[];
	/** Files by absolute path, and folders (which end in `/`) with all that is below. */
	read: string[];
}

export const noPermissions: Permissions = { net: [], exec: [], read: [] };

/** Entries of each kind, and bytes of an entry. */
export const permissionLimits = { entries: 64, bytes: 255 };

/** A permission that was read, or why it is none: in words, to follow "'…'". */
export type Read<Rule> = { rule: Rule } | { wrong: string };

export interface NetRule {
	/** A name in lower case (`db.local`, `*.example.com`); null: addresses. */
	name: string | null;
	/** The addresses; null: a name. */
	addresses: AddressRule | null;
	/** Null: any. */
	port: number | null;
}

const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/** Reads an entry of `net`. */
export function readNet(text: string): Read<NetRule> {
	const bad = basics(text);
	if (bad !== null) return { wrong: bad };
	const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/]+))(?:\/(\d{1,3}))?(?::(\d{1,5}))?$/.exec(text);
	if (match === null) {
		const remedy = isIPv6(text.split("/")[0] ?? "") ? "; write IPv6 in brackets: [2001:db8::1]:443" : "";
		return { wrong: `is not host, host:port, *.domain:port, 10.0.0.0/8:port or [v6]:port${remedy}` };
	}
	const [, v6, plain = "", prefix, portText] = match;
	const port = portText === undefined ? null : Number(portText);
	if (port !== null && (port < 1 || port > 65_535)) return { wrong: `has the port ${port}; ports go from 1 to 65535` };
	const host = v6 ?? plain.toLowerCase();
	if (isIP(host) !== 0) return readAddresses(host, prefix, port);
	if (v6 !== undefined) return { wrong: "has no IPv6 address in its brackets" };
	if (prefix !== undefined) return { wrong: "has a network length without an address: write it as 10.0.0.0/8" };
	const labels = host.replace(/^\*\./, "").split(".");
	if (!labels.every((each) => label.test(each)) || /^[0-9.]+$/.test(host)) {
		return { wrong: "names no host: use a name, *.domain, an address or a network such as 10.0.0.0/8" };
	}
	if (host.startsWith("*.") && labels.length < 2) return { wrong: "opens a whole top-level domain: name the domain" };
	return { rule: { name: host, addresses: null, port } };
}

function readAddresses(host: string, prefix: string | undefined, port: number | null): Read<NetRule> {
	const bits = isIPv6(host) ? 128 : 32;
	const length = prefix === undefined ? bits : Number(prefix);
	if (length > bits) return { wrong: `has a network length over ${bits}` };
	return { rule: { name: null, addresses: { address: plainAddress(host), length }, port } };
}

/** Reads an entry of `exec`: the absolute path, or the name in bin/, as it has to be called. */
export function readExec(text: string): Read<string> {
	const bad = basics(text);
	if (bad !== null) return { wrong: bad };
	if (text.startsWith("/")) {
		if (posix.normalize(text) !== text || text.endsWith("/")) return { wrong: "is no plain path: leave out . and .." };
		return { rule: text };
	}
	if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(text)) {
		return { wrong: "is neither an absolute path nor the name of a program in bin/" };
	}
	return { rule: text };
}

/** Reads an entry of `read`: the path as it was written, in its own place behind the links of the system. */
export function readFiles(text: string): Read<string> {
	const bad = basics(text);
	if (bad !== null) return { wrong: bad };
	if (!text.startsWith("/")) return { wrong: "is no absolute path" };
	if (posix.normalize(text) !== text) return { wrong: "is no plain path: leave out . and .." };
	return { rule: text };
}

function basics(text: string): string | null {
	if (text === "") return "is empty";
	if (Buffer.byteLength(text) > permissionLimits.bytes) return `is longer than ${permissionLimits.bytes} bytes`;
	if (/\p{Cc}/u.test(text)) return "contains a control character";
	return /\s/.test(text) && !text.startsWith("/") ? "contains a blank" : null;
}

/** What the permissions of one package mean. Entries that are no permission permit nothing. */
export class Judge {
	readonly #net: NetRule[];
	readonly #exec: ReadonlySet<string>;
	readonly #read: string[];

	constructor({ net, exec, read }: Permissions) {
		this.#net = rulesOf(net.map(readNet));
		this.#exec = new Set(rulesOf(exec.map(readExec)));
		this.#read = rulesOf(read.map(readFiles)).flatMap((path) => [path, withoutSystemLinks(path)]);
	}

	/**
	 * May it connect to this host, as it was written? A name needs an entry for the name: what is behind it is not even
	 * asked for otherwise.
	 */
	mayConnect(host: string, port: number): boolean {
		if (isIP(host) !== 0) return this.#covers(host, port);
		const name = plainName(host);
		return this.#net.some((rule) => rule.name !== null && fitsPort(rule, port) && fitsName(rule.name, name));
	}

	/**
	 * May it connect to this address, which stands behind a permitted name? This server itself, link-local addresses
	 * (where clouds keep their secrets), multicast and the like only when they are named: as an address, or `localhost`.
	 */
	mayReach(name: string, address: string, port: number): boolean {
		if (!isSpecialAddress(address) || this.#covers(address, port)) return true;
		return plainName(name) === "localhost" && isLoopback(address);
	}

	mayRun(program: string): boolean {
		return this.#exec.has(program);
	}

	/** `real`: the path of what was opened, behind all links. */
	mayRead(real: string): boolean {
		return this.#read.some((entry) => (entry.endsWith("/") ? real.startsWith(entry) : real === entry));
	}

	#covers(address: string, port: number): boolean {
		const plain = plainAddress(address);
		return this.#net.some((rule) => {
			if (rule.addresses === null || !fitsPort(rule, port)) return false;
			const list = new BlockList();
			const family = isIPv6(rule.addresses.address) ? "ipv6" : "ipv4";
			list.addSubnet(rule.addresses.address, rule.addresses.length, family);
			return isIPv6(plain) === (family === "ipv6") && list.check(plain, family);
		});
	}
}

function rulesOf<Rule>(read: Read<Rule>[]): Rule[] {
	return read.flatMap((each) => ("rule" in each ? [each.rule] : []));
}

function fitsPort(rule: NetRule, port: number): boolean {
	return rule.port === null || rule.port === port;
}

function fitsName(pattern: string, name: string): boolean {
	return pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) && name !== pattern.slice(2) : name === pattern;
}

function plainName(host: string): string {
	return host.toLowerCase().replace(/\.$/, "");
}

/** Where Linux itself keeps a folder under two names; all other links lead out of what was permitted. */
const systemLinks = [
	["/var/run/", "/run/"],
	["/var/lock/", "/run/lock/"],
	["/bin/", "/usr/bin/"],
	["/sbin/", "/usr/sbin/"],
	["/lib/", "/usr/lib/"],
] as const;

function withoutSystemLinks(path: string): string {
	const link = systemLinks.find(([from]) => path.startsWith(from));
	return link === undefined ? path : link[1] + path.slice(link[0].length);
}
