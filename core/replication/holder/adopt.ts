/** Taking over the mounts of a replication process that died (replication.md §5.9), from the holder that keeps them. */
import { SafekitError } from "../../errors.ts";
import { errnoName } from "../errno.ts";
import { fuseType, mountOn, mountSource } from "../fuse/mountTable.ts";
import type { System } from "../system.ts";
import { firstHeld, heldPerMount, isHolder } from "./holder.ts";
import { Page } from "./page.ts";

/** The descriptors of one mount, in this process. */
export interface AdoptedMount {
	page: Page;
	rootFd: number;
	fuseFd: number;
	target: string;
}

export interface Adoption {
	holder: { pid: number; pidfd: number };
	/** As the directories of the configuration. */
	mounts: AdoptedMount[];
}

/**
 * From the first of these holders that has all mounts of the module as they are configured and mounted now.
 * @throws SafekitError REPLICATION_HOLDER when there is none: the mounts are lost.
 */
export function adoptMounts(
	system: System,
	holders: number[],
	of: { module: string; socket: string; directories: { dir: string }[] },
): Adoption {
	const reasons = holders.map((pid) => {
		const pidfd = system.pidfd(pid);
		const result = pidfd < 0 || !isHolder(pid, of.socket) ? "it has ended" : adoptFrom(system, pidfd, of);
		if (typeof result !== "string") return { holder: { pid, pidfd }, mounts: result };
		if (pidfd >= 0) system.close(pidfd);
		return result;
	});
	const found = reasons.find((reason) => typeof reason !== "string");
	if (found !== undefined) return found;
	const why = reasons.length === 0 ? "nobody keeps them" : reasons.join("; ");
	throw new SafekitError("REPLICATION_HOLDER", `the mounts of ${of.module} cannot be taken over: ${why}`);
}

/** The mounts, or why not. */
function adoptFrom(
	system: System,
	pidfd: number,
	of: { module: string; directories: { dir: string }[] },
): AdoptedMount[] | string {
	const taken: number[] = [];
	const mounts: AdoptedMount[] = [];
	for (const [index, { dir }] of of.directories.entries()) {
		const first = firstHeld + index * heldPerMount;
		const fds = [first, first + 1, first + 2].map((fd) => system.descriptorOf(pidfd, fd));
		taken.push(...fds.filter((fd) => fd >= 0));
		const failed = fds.find((fd) => fd < 0);
		const mount = failed === undefined ? checked(system, of.module, dir, fds) : errnoName(failed);
		if (typeof mount === "string") {
			for (const fd of taken) system.close(fd);
			return `${dir}: ${mount}`;
		}
		mounts.push(mount);
	}
	return mounts;
}

/** The page says which mount the descriptors belong to; the mount table says whether that one is still there, on top. */
function checked(system: System, module: string, dir: string, fds: number[]): AdoptedMount | string {
	const [pageFd, rootFd, fuseFd] = fds as [number, number, number];
	const page = new Page(system, pageFd);
	const { belongs } = page;
	if (belongs === null || belongs.module !== module || belongs.dir !== dir) return "they belong to something else";
	const mount = mountOn(belongs.target);
	if (mount?.type !== fuseType || mount.source !== mountSource(module) || mount.device !== belongs.device) {
		return "the mount is gone";
	}
	return { page, rootFd, fuseFd, target: belongs.target };
}
