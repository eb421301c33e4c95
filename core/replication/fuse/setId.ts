/** Set-id bits that a change by somebody else takes away: done by us, who may everything, it would leave them. */
import { readFileSync } from "node:fs";
import { isDirectory } from "../local/tree.ts";
import type { Stat } from "../system.ts";
import type { Request } from "./protocol.ts";
import type { FuseSession } from "./session.ts";

/** Takes them away as a write by somebody else must; the new mode, or null if there was nothing to do. */
export function clearSetId(s: FuseSession, r: Request, fd: number, mode: number): number | null {
	const clear = (mode & 0o4000) | (dropsGroupBit(s, r, fd, mode) ? 0o2000 : 0);
	if (clear === 0) return null;
	const left = mode & 0o7777 & ~clear;
	return s.system.chmod(fd, left) < 0 ? null : left;
}

/** Without the group's execute bit it stays for who is in the file's group. */
function dropsGroupBit(s: FuseSession, r: Request, fd: number, mode: number): boolean {
	if ((mode & 0o2000) === 0) return false;
	if ((mode & 0o10) !== 0) return true;
	const stat = s.system.stat(fd, "");
	return typeof stat !== "number" && !isMember(r, stat.gid);
}

/** The mode that a change of owner must leave beyond what the disk underneath does itself; null: nothing to do. */
export function withoutGroupBit(r: Request, { mode, gid }: Stat): number | null {
	if (r.uid === 0 || (mode & 0o2010) !== 0o2000 || isDirectory(mode) || isMember(r, gid)) return null;
	return mode & 0o7777 & ~(0o2000 | 0o4000);
}

/** The request names only one of the caller's groups. */
function isMember(r: Request, gid: number): boolean {
	if (r.gid === gid) return true;
	try {
		const groups = /^Groups:(.*)$/m.exec(readFileSync(`/proc/${r.pid}/status`, "utf8"))?.[1] ?? "";
		return groups.trim().split(/\s+/).includes(String(gid));
	} catch {
		return false;
	}
}
