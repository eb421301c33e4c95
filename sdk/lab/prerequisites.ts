/** What a machine needs to be several servers, what of it is missing, and how to get it. */
import { existsSync, readFileSync } from "node:fs";
import { type } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { inNamespaces } from "./namespaces.ts";

export { ensureDebianPackages } from "./debian.ts";

export interface Missing {
	what: string;
	/** What to do about it, in one sentence. */
	remedy: string;
}

/** Programs that the lab runs, and the Debian packages that they come in. */
const programs: Record<string, string> = {
	ip: "iproute2",
	nft: "nftables",
	arping: "iputils-arping",
	ps: "procps",
	setpriv: "util-linux",
	unshare: "util-linux",
	nsenter: "util-linux",
	pivot_root: "util-linux",
	mount: "mount",
	bash: "bash",
};
const systemPaths = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The Debian packages of the lab. */
export const labPackages: string[] = [...new Set(Object.values(programs))];

/** What this machine lacks for a lab; empty when a lab can be opened. */
export async function missingForLab(): Promise<Missing[]> {
	if (type() !== "Linux") return [{ what: "Linux", remedy: "Servers in namespaces exist on Linux only." }];
	if (process.getuid?.() !== 0) return [{ what: "root", remedy: "Run it as root: it makes networks and mounts." }];
	const missing = Object.entries(programs)
		.filter(([program]) => !hasProgram(program))
		.map(([program, debian]) => ({ what: program, remedy: `Install it (Debian: apt-get install ${debian}).` }));
	if (missing.length > 0) return missing;
	return [...missingInKernel(), ...(await missingRights())];
}

/** Whether a program is installed. */
export function hasProgram(name: string): boolean {
	const folders = [...(process.env.PATH ?? "").split(delimiter), ...systemPaths];
	return folders.some((folder) => folder !== "" && existsSync(join(folder, name)));
}

/** One text for a person: each thing with its remedy. */
export function describeMissing(missing: Missing[]): string {
	return missing.map((each) => `${each.what} is missing. ${each.remedy}`).join("\n");
}

function missingInKernel(): Missing[] {
	let known = "";
	try {
		known = readFileSync("/proc/filesystems", "utf8");
	} catch {
		return [{ what: "/proc", remedy: "Mount it: mount -t proc proc /proc" }];
	}
	const has = (name: string): boolean => new RegExp(`\\s${name}$`, "m").test(known);
	return ["overlay", "fuse"]
		.filter((name) => !has(name))
		.map((name) => ({ what: `the ${name} file system`, remedy: `Load it into the kernel: modprobe ${name}` }));
}

/** Root in a container may lack the right to make namespaces and mounts: only trying it tells. */
async function missingRights(): Promise<Missing[]> {
	const [program, args] = inNamespaces("server", "mount -t tmpfs lab /proc");
	const tried = await execa(program, args, { reject: false });
	if (!tried.failed) return [];
	const remedy = `Give this machine the right to make them, in a container by --privileged (${tried.stderr.trim()}).`;
	return [{ what: "the right to make namespaces and mounts", remedy }];
}
