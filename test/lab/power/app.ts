/**
 * The application of the power cuts: does what a request asks for with the files of its directory, with or without a
 * sync, and answers when the calls have returned. Usage: app.ts DIRECTORY PORT. POST / with a `Deed` as JSON; GET /found
 * answers with a `Found`. Everything it writes carries a checksum.
 */
import { createHash } from "node:crypto";
import {
	closeSync,
	fdatasyncSync,
	fstatSync,
	fsyncSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	readSync,
	renameSync,
	unlinkSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { type Deed, type Found, slots } from "./deeds.ts";

/** Far apart, so that many chunks are touched. */
const slotStride = 5 << 20;
const slotBytes = 4096;

const [directory = ".", port = "8080"] = process.argv.slice(2);

function sealed(text: string): string {
	return `${text} ${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
}

/** The version in a sealed text, −1 when its checksum is wrong. */
function opened(text: string): number {
	const match = /^(\S+ (\d+)) [0-9a-f]{16}$/.exec(text);
	return match !== null && sealed(match[1]!) === text ? Number(match[2]) : -1;
}

function withFile(path: string, flags: string, sync: boolean, use: (fd: number) => void): void {
	const fd = openSync(path, flags);
	try {
		use(fd);
		if (sync) fsyncSync(fd);
	} finally {
		closeSync(fd);
	}
}

function syncDirectory(): void {
	withFile(directory, "r", true, () => {});
}

function overwrite(key: number, version: number, sync: boolean): void {
	const block = Buffer.alloc(slotBytes, " ");
	block.write(`${sealed(`slot${key} ${version}`)}\n`, 0);
	withFile(join(directory, "slots"), "r+", false, (fd) => {
		writeSync(fd, block, 0, slotBytes, key * slotStride);
		if (sync) fdatasyncSync(fd);
	});
}

function replace(key: number, version: number, sync: boolean): void {
	const temporary = join(directory, `new-${key}`);
	const body = "x".repeat((version * 977) % 20_000);
	withFile(temporary, "w", sync, (fd) => writeSync(fd, `${sealed(`object${key} ${version}`)}\n${body}`));
	renameSync(temporary, join(directory, `object-${key}`));
	if (sync) syncDirectory();
}

const last = new Map<string, number>();

/** A request that its client has given up must not be carried out after the next one. */
function mustBeNewer({ deed, key, version }: Deed): void {
	const name = `${deed === "remove" ? "replace" : deed} ${key}`;
	if ((last.get(name) ?? 0) >= version) throw new Error(`version ${version} is overtaken`);
	last.set(name, version);
}

/** ext4 may keep the size of an append that nobody synced without its bytes: what follows begins a line of its own. */
function lineBreak(fd: number): string {
	const { size } = fstatSync(fd);
	const last = Buffer.alloc(1);
	return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 10 ? "\n" : "";
}

function carryOut({ deed, key, version, sync }: Deed): void {
	if (deed === "append") {
		const path = join(directory, `log-${key}`);
		withFile(path, "a+", sync, (fd) => writeSync(fd, `${lineBreak(fd)}${sealed(`log${key} ${version}`)}\n`));
		if (sync && version <= 2) syncDirectory();
	} else if (deed === "overwrite") overwrite(key, version, sync);
	else if (deed === "replace") replace(key, version, sync);
	else {
		unlinkSync(join(directory, `object-${key}`));
		if (sync) syncDirectory();
	}
}

function found(): Found {
	const result: Found = { append: {}, overwrite: {}, replace: {} };
	for (const name of readdirSync(directory)) {
		const [kind, key = ""] = name.split("-");
		const text = (): string => readFileSync(join(directory, name), "utf8");
		if (kind === "log") result.append[key] = text().split("\n").filter(Boolean).map(opened);
		else if (kind === "object") result.replace[key] = opened(text().split("\n")[0] ?? "");
	}
	const file = readFileSync(join(directory, "slots"));
	for (let key = 0; key < slots; key++) {
		const block = file.subarray(key * slotStride, key * slotStride + slotBytes);
		if (block.length > 0 && block[0] !== 0) result.overwrite[key] = opened(block.toString("utf8").split("\n")[0] ?? "");
	}
	return result;
}

mkdirSync(directory, { recursive: true });
if (!readdirSync(directory).includes("slots")) {
	writeFileSync(join(directory, "slots"), "");
	withFile(join(directory, "slots"), "r", true, () => {});
	syncDirectory();
}
const server = createServer((request, response) => {
	let body = "";
	request.setEncoding("utf8").on("data", (part: string) => {
		body += part;
	});
	request.on("end", () => {
		try {
			if (request.method === "POST") {
				const deed = JSON.parse(body) as Deed;
				mustBeNewer(deed);
				carryOut(deed);
			}
			response.writeHead(200).end(request.method === "POST" ? "done" : JSON.stringify(found()));
		} catch (error) {
			response.writeHead(500).end(String(error));
		}
	});
});
server.listen(Number(port), "0.0.0.0");
process.on("SIGTERM", () => process.exit(0));
