/**
 * Full comparison of two trees, for every test that says "the same on both servers": content, type, mode, owner,
 * mtime in ns, extended attributes, link groups, allocated blocks. Trees are read underneath, not through a mount of
 * the same process.
 */
import { linuxSystem as system } from "../../core/platform/linux/libc.ts";
import { at, open, type } from "../../core/replication/errno.ts";
import type { DirectoryEntry, Stat } from "../../core/replication/system.ts";

export interface CompareOptions {
	/** Names at the root that are left out; `.opensafe` by default. */
	skip?: string[];
	/** Compare st_blocks of regular files; true by default. Both file systems must have been synced. */
	blocks?: boolean;
	/** Compare mtimes; true by default. */
	mtime?: boolean;
	/** Compare sizes and contents; true by default. */
	content?: boolean;
}

/** st_blocks counts the file system's own index blocks too, and how scattered a file lies is its own affair. */
const indexBlocks = 16;

interface Described {
	stat: Stat;
	content: Buffer;
	attributes: string;
}

/** Every difference in a sentence; empty when the trees are equal. At most 100. */
export function compareTrees(left: string, right: string, options: CompareOptions = {}): string[] {
	const skip = options.skip ?? [".opensafe"];
	const [a, b] = [describeTree(left, skip), describeTree(right, skip)];
	const differences: string[] = [];
	for (const path of new Set([...a.keys(), ...b.keys()])) {
		const [x, y] = [a.get(path), b.get(path)];
		const shown = Buffer.from(path, "latin1").toString();
		if (x === undefined || y === undefined) differences.push(`${shown}: only in ${x === undefined ? right : left}`);
		else differences.push(...compareFiles(shown, x, y, options));
	}
	const [linksA, linksB] = [linkGroups(a), linkGroups(b)];
	if (linksA !== linksB) differences.push(`link groups: ${linksA} and ${linksB}`);
	return differences.slice(0, 100);
}

function compareFiles(path: string, a: Described, b: Described, options: CompareOptions): string[] {
	const pairs: [string, unknown, unknown][] = [
		["mode", a.stat.mode.toString(8), b.stat.mode.toString(8)],
		["uid", a.stat.uid, b.stat.uid],
		["gid", a.stat.gid, b.stat.gid],
		["rdev", a.stat.rdev, b.stat.rdev],
		["attributes", a.attributes, b.attributes],
	];
	if (options.mtime !== false) pairs.push(["mtime", a.stat.mtimeNs, b.stat.mtimeNs]);
	const regular = (a.stat.mode & type.MASK) === type.FILE;
	if (regular && options.content !== false) pairs.push(["size", a.stat.size, b.stat.size]);
	if (regular && options.blocks !== false && Math.abs(a.stat.blocks - b.stat.blocks) > indexBlocks) {
		pairs.push(["blocks", a.stat.blocks, b.stat.blocks]);
	}
	if ((a.stat.mode & type.MASK) !== type.DIRECTORY) pairs.push(["nlink", a.stat.nlink, b.stat.nlink]);
	const found = pairs.filter(([, x, y]) => x !== y).map(([what, x, y]) => `${path}: ${what} ${x} and ${y}`);
	if (options.content !== false && !a.content.equals(b.content)) found.push(`${path}: content differs`);
	return found;
}

/** Paths (as latin1, so that any bytes survive) that share an inode, as one string. */
function linkGroups(tree: Map<string, Described>): string {
	const groups = new Map<number, string[]>();
	for (const [path, { stat }] of tree) {
		if (stat.nlink > 1 && (stat.mode & type.MASK) !== type.DIRECTORY) {
			groups.set(stat.ino, [...(groups.get(stat.ino) ?? []), path]);
		}
	}
	return [...groups.values()]
		.map((paths) => paths.sort().join("="))
		.sort()
		.join(" ");
}

function describeTree(root: string, skip: string[]): Map<string, Described> {
	const found = new Map<string, Described>();
	const fd = must(system.openat(at.FDCWD, root, open.RDONLY | system.flags.DIRECTORY), root);
	walk(fd, "", skip, found);
	return found;
}

function walk(fd: number, prefix: string, skip: string[], found: Map<string, Described>): void {
	for (const entry of readAll(fd)) {
		const name = entry.name.toString("latin1");
		if (name === "." || name === ".." || (prefix === "" && skip.includes(name))) continue;
		const path = `${prefix}${name}`;
		const described = describe(fd, entry.name);
		found.set(path, described);
		if ((described.stat.mode & type.MASK) === type.DIRECTORY) {
			const child = must(system.openat(fd, entry.name, open.RDONLY | system.flags.DIRECTORY), path);
			walk(child, `${path}/`, skip, found);
		}
	}
	system.close(fd);
}

function readAll(fd: number): DirectoryEntry[] {
	const all: DirectoryEntry[] = [];
	for (;;) {
		const batch = must(system.getdents(fd), "directory");
		if (batch.length === 0) return all;
		all.push(...batch);
	}
}

function describe(dirFd: number, name: Buffer): Described {
	const fd = must(system.openat(dirFd, name, open.PATH | system.flags.NOFOLLOW), String(name));
	const stat = must(system.stat(fd, ""), String(name));
	const names = must(system.listxattr(fd), String(name)).map(String).sort();
	// trusted.o holds the node's own inode, so it differs by design.
	const attributes = names
		.filter((attribute) => attribute !== "trusted.o")
		.map((attribute) => `${attribute}=${must(system.getxattr(fd, attribute), attribute).toString("hex")}`)
		.join(" ");
	system.close(fd);
	return { stat, content: contentOf(dirFd, name, stat), attributes };
}

function contentOf(dirFd: number, name: Buffer, stat: Stat): Buffer {
	const kind = stat.mode & type.MASK;
	if (kind === type.LINK) return must(system.readlinkat(dirFd, name), String(name));
	if (kind !== type.FILE) return Buffer.alloc(0);
	const fd = must(system.openat(dirFd, name, open.RDONLY), String(name));
	const content = Buffer.alloc(stat.size);
	for (let done = 0; done < stat.size; ) {
		const length = must(system.pread(fd, content.subarray(done), done), String(name));
		if (length === 0) break;
		done += length;
	}
	system.close(fd);
	return content;
}

function must<T>(result: T | number, what: string): T {
	if (typeof result === "number" && result < 0) throw new Error(`${what}: errno ${-result}`);
	return result as T;
}
