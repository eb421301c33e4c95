/** Requests that change attributes. */
import { errno, open, type } from "../errno.ts";
import { accessAcl } from "../local/acl.ts";
import { isDirectory } from "../local/tree.ts";
import type { FileRef, Operation } from "../operation.ts";
import type { Or, Stat } from "../system.ts";
import { afterChange } from "./files.ts";
import { hiddenAttribute, isUnsupported } from "./lookups.ts";
import { attrReply, nameAt, type Request, setxattrFlag, setattr as valid } from "./protocol.ts";
import type { FuseSession } from "./session.ts";
import { clearSetId, withoutGroupBit } from "./setId.ts";

const billion = 1_000_000_000n;
/** What ext4 can hold: 1901 to 2446. */
const [earliest, latest] = [-(2n ** 31n) * billion, (2n ** 34n - 2n ** 31n - 1n) * billion];

type Step = (s: FuseSession, r: Request, fd: number, file: FileRef, done: Operation[]) => number;

/**
 * Owner, mode, size, times: each that is asked for, in this order, then one answer for all. What was done before a
 * step failed is handed over all the same: it has happened here.
 */
export function setattr(s: FuseSession, r: Request) {
	const file = s.ref(r.node);
	const ghost = s.ghosts.get(file);
	if (ghost !== undefined) return setGhost(s, r, file, ghost);
	s.touched(file);
	const operations: Operation[] = [];
	const steps: Step[] = [chown, chmod, truncate, utimes];
	const result = s.tree.with(file, (fd): Or<Stat> => {
		for (const step of steps) {
			const failed = step(s, r, fd, file, operations);
			if (failed < 0) return failed;
		}
		return s.system.stat(fd, "");
	});
	s.submit(r, s.locals.has(file) ? [] : operations, file, () => {
		if (typeof result === "number") s.fail(r, result);
		else s.device.answerWith(r.unique, attrReply(s.visible(file, result), s.validS));
	});
}

/** Of a pipe, a device or a directory that is gone and that somebody still has open: nobody else will ever see it. */
function setGhost(s: FuseSession, r: Request, file: FileRef, ghost: Stat) {
	const asked = r.body.readUInt32LE(0);
	const now = BigInt(Date.now()) * 1_000_000n;
	const { atime, mtime } = timesOf(r);
	const pick = (time: bigint | "now" | null, old: bigint) => {
		const wanted = time === "now" ? now : (time ?? old);
		return wanted < earliest ? earliest : wanted > latest ? latest : wanted;
	};
	const stat = {
		...ghost,
		mode: (asked & valid.MODE) === 0 ? ghost.mode : (ghost.mode & type.MASK) | (r.body.readUInt32LE(68) & 0o7777),
		uid: (asked & valid.UID) === 0 ? ghost.uid : r.body.readUInt32LE(76),
		gid: (asked & valid.GID) === 0 ? ghost.gid : r.body.readUInt32LE(80),
		atimeNs: pick(atime, ghost.atimeNs),
		mtimeNs: pick(mtime, ghost.mtimeNs),
		ctimeNs: now,
	};
	if ((asked & (valid.UID | valid.GID)) !== 0 && !isDirectory(stat.mode)) stat.mode &= ~0o6000;
	s.ghosts.set(file, stat);
	s.device.answerWith(r.unique, attrReply(stat, s.validS));
}

/** The mode travels with the owner: changing the owner takes set-id bits away. */
function chown(s: FuseSession, r: Request, fd: number, file: FileRef, done: Operation[]): number {
	const asked = r.body.readUInt32LE(0);
	if ((asked & (valid.UID | valid.GID)) === 0) return 0;
	const uid = (asked & valid.UID) !== 0 ? r.body.readUInt32LE(76) : undefined;
	const gid = (asked & valid.GID) !== 0 ? r.body.readUInt32LE(80) : undefined;
	const before = s.system.stat(fd, "");
	const result = s.system.chown(fd, "", uid ?? -1, gid ?? -1);
	if (result < 0) return result;
	const left = typeof before === "number" ? null : withoutGroupBit(r, before);
	if (left !== null) s.system.chmod(fd, left);
	const stat = s.system.stat(fd, "");
	const hasMode = typeof stat !== "number" && (stat.mode & type.MASK) !== type.LINK;
	done.push({
		op: "setattr",
		file,
		...(uid === undefined ? {} : { uid }),
		...(gid === undefined ? {} : { gid }),
		...(hasMode ? { mode: stat.mode & 0o7777 } : {}),
	});
	return 0;
}

function chmod(s: FuseSession, r: Request, fd: number, file: FileRef, done: Operation[]): number {
	if ((r.body.readUInt32LE(0) & valid.MODE) === 0) return 0;
	const mode = r.body.readUInt32LE(68) & 0o7777;
	const result = s.system.chmod(fd, mode);
	if (result >= 0) done.push({ op: "setattr", file, mode });
	return result;
}

function truncate(s: FuseSession, r: Request, _fd: number, file: FileRef, done: Operation[]): number {
	const asked = r.body.readUInt32LE(0);
	if ((asked & valid.SIZE) === 0) return 0;
	const size = r.body.readBigUInt64LE(16);
	return s.tree.withFile<never>(file, open.RDWR, (fd) => {
		const result = s.system.ftruncate(fd, size);
		if (result < 0) return result;
		const { mtimeNs, mode } = afterChange(s.system, fd);
		done.push({ op: "truncate", file, size, mtimeNs });
		const cleared = (asked & valid.KILL_SUIDGID) !== 0 ? clearSetId(s, r, fd, mode) : null;
		if (cleared !== null) done.push({ op: "setattr", file, mode: cleared });
		return 0;
	});
}

function utimes(s: FuseSession, r: Request, fd: number, file: FileRef, done: Operation[]): number {
	if ((r.body.readUInt32LE(0) & (valid.ATIME | valid.MTIME)) === 0) return 0;
	const { atime, mtime } = timesOf(r);
	const result = s.system.utimens(fd, "", atime, mtime);
	if (result < 0) return result;
	const { atimeNs, mtimeNs } = afterChange(s.system, fd);
	done.push({ op: "setattr", file, times: { atimeNs, mtimeNs } });
	return 0;
}

function timesOf(r: Request): { atime: bigint | "now" | null; mtime: bigint | "now" | null } {
	const asked = r.body.readUInt32LE(0);
	const time = (given: number, now: number, seconds: number, nanoseconds: number): bigint | "now" | null => {
		if ((asked & given) === 0) return null;
		if ((asked & now) !== 0) return "now";
		return r.body.readBigInt64LE(seconds) * billion + BigInt(r.body.readUInt32LE(nanoseconds));
	};
	const atime = time(valid.ATIME, valid.ATIME_NOW, 32, 56);
	const mtime = time(valid.MTIME, valid.MTIME_NOW, 40, 60);
	return { atime, mtime };
}

export function setxattr(s: FuseSession, r: Request) {
	// With lists the header has two words more: see initReply.
	const header = s.tree.acl ? 16 : 8;
	const [size, flags, name] = [r.body.readUInt32LE(0), r.body.readUInt32LE(4), nameAt(r.body, header)];
	const text = name.toString("latin1");
	if (isUnsupported(s, text)) return s.fail(r, errno.EOPNOTSUPP);
	if (hiddenAttribute(s, text, r.uid)) return s.fail(r, errno.EPERM);
	const start = header + name.length + 1;
	const value = Buffer.from(r.body.subarray(start, start + size));
	const file = s.ref(r.node);
	const change = (fd: number) => s.system.setxattr(fd, name, value, flags);
	s.intents.begin(r.unique, { file });
	if (text !== accessAcl) return changeAttribute(s, r, { op: "setxattr", file, name, value }, change);
	changeAccessList(
		s,
		r,
		{ op: "setxattr", file, name, value },
		change,
		(r.body.readUInt32LE(8) & setxattrFlag.ACL_KILL_SGID) !== 0,
	);
}

/** The access list and the mode are two sides of one thing: the mode that comes of it travels too. */
function changeAccessList(
	s: FuseSession,
	r: Request,
	operation: Operation & { file: FileRef },
	change: (fd: number) => number,
	killSgid: boolean,
) {
	const { file } = operation;
	s.touched(file);
	s.tree.defaultLists.forget();
	const mode = s.tree.with<{ mode: number }>(file, (fd) => {
		const result = change(fd);
		if (result < 0) return result;
		const stat = s.system.stat(fd, "");
		if (typeof stat === "number") return stat;
		const left = killSgid ? stat.mode & 0o5777 : stat.mode & 0o7777;
		const cleared = left === (stat.mode & 0o7777) ? 0 : s.system.chmod(fd, left);
		return cleared < 0 ? cleared : { mode: left };
	});
	if (typeof mode === "number") return s.fail(r, mode);
	const operations: Operation[] = [operation, { op: "setattr", file, ...mode }];
	s.submit(r, s.locals.has(file) ? [] : operations, file, () => s.device.answer(r.unique, 0));
}

export function removexattr(s: FuseSession, r: Request) {
	const name = nameAt(r.body, 0);
	if (isUnsupported(s, name.toString("latin1"))) return s.fail(r, errno.EOPNOTSUPP);
	if (hiddenAttribute(s, name.toString("latin1"), r.uid)) return s.fail(r, errno.ENODATA);
	const file = s.ref(r.node);
	s.intents.begin(r.unique, { file });
	changeAttribute(s, r, { op: "removexattr", file, name }, (fd) => s.system.removexattr(fd, name));
}

function changeAttribute(
	s: FuseSession,
	r: Request,
	operation: Operation & { file: FileRef },
	change: (fd: number) => number,
) {
	s.touched(operation.file);
	s.tree.defaultLists.forget();
	const result = s.tree.with<never>(operation.file, change);
	if (result < 0) return s.fail(r, result);
	const local = s.locals.has(operation.file);
	s.submit(r, local ? [] : [operation], operation.file, () => s.device.answer(r.unique, 0));
}
