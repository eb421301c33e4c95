/** Operations on attributes: mode, owner, times, extended attributes, access control lists. */

import { open } from "../../../core/replication/errno.ts";
import { accessAcl, defaultAcl } from "../../../core/replication/local/acl.ts";
import { calls } from "./calls.ts";
import type { Choices } from "./random.ts";
import { type Kind, nameOf, type Result, type Side, shown, slots } from "./side.ts";

const uids = [0, 1234, 1235];
const gids = [0, 77, 4321];
const attributes = [
	"user.one",
	"user.two",
	"user.long-name",
	"trusted.t",
	"security.s",
	"user.",
	"nonsense",
	"system.x",
];

function onName<T>(
	name: string,
	choose: (c: Choices) => T,
	run: (side: Side, path: Buffer, chosen: T) => Result,
	weight = 1,
): Kind {
	return {
		name,
		weight,
		choose: (c) => {
			const [path, chosen] = [nameOf(c), choose(c)];
			return { text: `${shown(path)} ${shownValue(chosen)}`, run: (s) => run(s, path, chosen) };
		},
	};
}

function onFile<T>(name: string, choose: (c: Choices) => T, run: (fd: number, chosen: T) => Result): Kind {
	return {
		name,
		choose: (c) => {
			const [slot, chosen] = [c.below(slots), choose(c)];
			return { text: `${slot} ${shownValue(chosen)}`, run: (s) => s.onOpen(slot, (fd) => run(fd, chosen)) };
		},
	};
}

function shownValue(value: unknown): string {
	const short = (_: string, each: unknown) => {
		if (typeof each === "bigint") return String(each);
		const { type, data } = (each ?? {}) as { type?: string; data?: number[] };
		return type === "Buffer"
			? Buffer.from(data ?? [])
					.toString("hex")
					.slice(0, 100)
			: each;
	};
	return JSON.stringify(value, short)?.slice(0, 200) ?? "";
}

const mode = (c: Choices): number => c.of([c.below(0o10000), 0o644, 0o755, 0o4755, 0o2755, 0o1777, 0o777, 0o600]);
/** Never neither of them: the kernel's FUSE does not ask the server then (README.md, "What applications meet"). */
const owner = (c: Choices): [number, number] =>
	c.of([
		[c.of(uids), -1],
		[-1, c.of(gids)],
		[c.of(uids), c.of(gids)],
	]);
const none = (): null => null;

type Times = [bigint | "now" | null, bigint | "now" | null];
/** Before 1970, after 2038, after 2106, beyond what the disk can hold, with nanoseconds. */
const instants = [
	0n,
	1n,
	-1n,
	1_600_000_000_123_456_789n,
	-86_400_000_000_001n,
	2n ** 32n * 10n ** 9n + 5n,
	10n ** 19n,
	-(10n ** 19n),
	20n * 10n ** 18n,
];
const times = (c: Choices): Times => [c.of([null, "now", ...instants]), c.of([null, "now", ...instants])];

/** Times that were given are told; those of now differ from side to side. */
function timesSet(dirfd: number, name: Buffer | string, [atimeNs, mtimeNs]: Times): Result {
	const result = calls.utimens(dirfd, name, atimeNs, mtimeNs);
	if (result < 0) return result;
	const stat = calls.stat(dirfd, name);
	if (typeof stat === "number") return stat;
	return `${typeof atimeNs === "bigint" ? stat.atimeNs : "-"} ${typeof mtimeNs === "bigint" ? stat.mtimeNs : "-"}`;
}

function described(dirfd: number, name: Buffer | string): Result {
	const stat = calls.stat(dirfd, name);
	if (typeof stat === "number") return stat;
	const size = (stat.mode & 0o170000) === 0o040000 ? "" : stat.size;
	return [stat.mode.toString(8), stat.nlink, stat.uid, stat.gid, stat.rdev, size].join(" ");
}

const value = (c: Choices) => ({ name: c.of(attributes), data: Buffer.alloc(c.of([0, 1, 40, 200]), 65 + c.below(26)) });

function bytesOf(got: Buffer | number): Result {
	return typeof got === "number" ? got : got.toString("hex");
}

/** Of what is gone, files alone keep their extended attributes on the mount while they are open. */
function whileThere(fd: number, use: () => Result): Result {
	const stat = calls.stat(fd, "");
	if (typeof stat !== "number" && stat.nlink === 0 && (stat.mode & 0o170000) !== 0o100000) return "gone";
	return use();
}

/** A list of random permissions; one in eight is not one. */
function list(c: Choices): Buffer {
	const entries: [number, number, number][] = [[1, c.below(8), 0xffffffff]];
	if (c.below(2) === 0) entries.push([2, c.below(8), c.of([1234, 1235])]);
	entries.push([4, c.below(8), 0xffffffff]);
	if (c.below(2) === 0) entries.push([8, c.below(8), c.of([77, 4321])]);
	if (entries.length > 2 || c.below(4) === 0) entries.push([16, c.below(8), 0xffffffff]);
	entries.push([32, c.below(8), 0xffffffff]);
	if (c.below(8) === 0) entries.splice(c.below(entries.length), 1);
	const out = Buffer.alloc(4 + entries.length * 8);
	out.writeUInt32LE(2, 0);
	for (const [index, [tag, permissions, id]] of entries.entries()) {
		out.writeUInt16LE(tag, 4 + index * 8);
		out.writeUInt16LE(permissions, 6 + index * 8);
		out.writeUInt32LE(id, 8 + index * 8);
	}
	return out;
}

export const metadataKinds: readonly Kind[] = [
	onName("stat", none, (s, path) => described(s.root, path), 3),
	onFile("fstat", none, (fd) => described(fd, "")),
	onName(
		"access",
		(c) => c.below(8),
		(_s, path, how) => calls.access(path, how),
	),
	onName("statfs", none, (_s, path) => {
		const stat = calls.statfsPath(path);
		return typeof stat === "number" ? stat : `${stat.namelen} ${stat.frsize}`;
	}),
	onName("chmod", mode, (_s, path, bits) => calls.chmodAt(path, bits), 2),
	onFile("fchmod", mode, (fd, bits) => calls.fchmod(fd, bits)),
	onName("lchown", owner, (s, path, [uid, gid]) => (path.length === 0 ? -2 : calls.chown(s.root, path, uid, gid)), 2),
	onFile("fchown", owner, (fd, [uid, gid]) => calls.chown(fd, "", uid, gid)),
	onName("utimens", times, (s, path, chosen) => (path.length === 0 ? -2 : timesSet(s.root, path, chosen)), 2),
	onFile("futimens", times, (fd, chosen) => timesSet(fd, "", chosen)),
	onName(
		"umask",
		(c) => c.of([0, 0o22, 0o27, 0o77, 0o2]),
		(_s, _path, mask) => String(calls.umask(mask) >= 0),
	),
	onName("setxattr", value, (_s, path, { name, data }) => calls.setAttribute(path, name, data, 0), 2),
	onName("setxattr create", value, (_s, path, { name, data }) => calls.setAttribute(path, name, data, 1)),
	onName("setxattr replace", value, (_s, path, { name, data }) => calls.setAttribute(path, name, data, 2)),
	onName("getxattr", value, (_s, path, { name }) => bytesOf(calls.getAttribute(path, name, 65_536)), 2),
	onName("getxattr without room", value, (_s, path, { name, data }) =>
		bytesOf(calls.getAttribute(path, name, data.length === 1 ? 1 : 0)),
	),
	onName("listxattr", none, (_s, path) => {
		const names = calls.listAttributes(path);
		if (typeof names === "number") return names;
		const each = names.toString("latin1").split("\0");
		// The product's own, which the mount hides.
		return each
			.filter((name) => name !== "trusted.o")
			.sort()
			.join(" ");
	}),
	onName("removexattr", value, (_s, path, { name }) => calls.removeAttribute(path, name)),
	onFile("fsetxattr", value, (fd, { name, data }) => whileThere(fd, () => calls.setOpenAttribute(fd, name, data))),
	onFile("fgetxattr", value, (fd, { name }) => whileThere(fd, () => bytesOf(calls.getOpenAttribute(fd, name)))),
	onName("set access list", list, (_s, path, acl) => calls.setAttribute(path, accessAcl, acl, 0), 2),
	onName("set default list", list, (_s, path, acl) => calls.setAttribute(path, defaultAcl, acl, 0), 2),
	onName("get access list", none, (_s, path) => bytesOf(calls.getAttribute(path, accessAcl, 65_536))),
	onName("get default list", none, (_s, path) => bytesOf(calls.getAttribute(path, defaultAcl, 65_536))),
	onName("remove access list", none, (_s, path) => calls.removeAttribute(path, accessAcl)),
	onName("remove default list", none, (_s, path) => calls.removeAttribute(path, defaultAcl)),
	onName("open path and stat", none, (s, path) => {
		const fd = calls.openat(s.root, path, open.PATH | calls.flags.NOFOLLOW | open.CLOEXEC);
		if (fd < 0) return fd;
		const result = described(fd, "");
		calls.close(fd);
		return result;
	}),
];
