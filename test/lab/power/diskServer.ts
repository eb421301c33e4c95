/**
 * A disk with a write cache that loses what was not flushed when its power goes: one file, served by FUSE, for a loop
 * device. Usage: diskServer.ts DIRECTORY IMAGE. Orders on standard input, one a line, answered on standard output:
 * `freeze SEED` (nothing is answered any more, and of what was not flushed any part survives, as the seed wills),
 * `fail PERCENT SEED` (whatever waits gets EIO, and so many of the reads, writes and flushes that come), `heal` and
 * `slow MILLISECONDS` (every read takes so long; others go on meanwhile).
 */
import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { at, errno, open, poll } from "../../../core/replication/errno.ts";
import { inHeaderSize, opcode, openReply, outHeaderSize } from "../../../core/replication/fuse/protocol.ts";
import { Random } from "../../simulation/random.ts";

export const diskName = "disk";
const blockBytes = 4096;
const maxWrite = 128 * 1024;
const node = 2n;

class VolatileImage {
	readonly #fd: number;
	readonly bytes: number;
	/** Written and not flushed, by block number. */
	#cache = new Map<number, Buffer>();

	constructor(path: string) {
		this.#fd = openSync(path, "r+");
		this.bytes = statSync(path).size;
	}

	read(offset: number, length: number): Buffer {
		const out = Buffer.alloc(Math.max(0, Math.min(length, this.bytes - offset)));
		readSync(this.#fd, out, 0, out.length, offset);
		if (this.#cache.size === 0) return out;
		for (let block = Math.floor(offset / blockBytes); block * blockBytes < offset + out.length; block++) {
			const cached = this.#cache.get(block);
			if (cached === undefined) continue;
			const from = Math.max(offset, block * blockBytes);
			const to = Math.min(offset + out.length, (block + 1) * blockBytes);
			cached.copy(out, from - offset, from - block * blockBytes, to - block * blockBytes);
		}
		return out;
	}

	write(offset: number, data: Buffer): void {
		for (let done = 0; done < data.length; ) {
			const block = Math.floor((offset + done) / blockBytes);
			const within = offset + done - block * blockBytes;
			const length = Math.min(blockBytes - within, data.length - done);
			const old = length === blockBytes ? Buffer.alloc(blockBytes) : this.read(block * blockBytes, blockBytes);
			data.copy(old, within, done, done + length);
			this.#cache.set(block, old);
			done += length;
		}
	}

	flush(): void {
		for (const [block, bytes] of this.#cache) writeSync(this.#fd, bytes, 0, bytes.length, block * blockBytes);
		this.#cache.clear();
	}

	/** A disk writes its cache in any order: of a cut, any part of it may have reached the medium. */
	lose(seed: number): { kept: number; lost: number } {
		const random = new Random(seed);
		const all = this.#cache.size;
		// Sometimes nothing survives, sometimes nearly all.
		const chance = [0, 0.5, 0.95][random.between(0, 2)] ?? 0;
		this.#cache = new Map([...this.#cache].filter(() => random.chance(chance)));
		const kept = this.#cache.size;
		this.flush();
		return { kept, lost: all - kept };
	}

	close(): void {
		closeSync(this.#fd);
	}
}

class DiskServer {
	readonly #fd: number;
	readonly #image: VolatileImage;
	readonly #request = Buffer.alloc(maxWrite + 65_536);
	#frozen = false;
	/** How many of a hundred fail, and which. */
	#failing = 0;
	#random = new Random(0);
	readonly #waiting: bigint[] = [];
	#slowMs = 0;
	readonly #late: { unique: bigint; dueMs: number; result: Buffer | number }[] = [];

	constructor(directory: string, image: string) {
		this.#image = new VolatileImage(image);
		this.#fd = system.openat(at.FDCWD, "/dev/fuse", open.RDWR | open.NONBLOCK | open.CLOEXEC);
		const data = `fd=${this.#fd},rootmode=40000,user_id=0,group_id=0`;
		const result = system.mount("test-disk", directory, "fuse.test-disk", 0, data);
		if (result < 0) throw new Error(`mount: ${result}`);
	}

	run(): void {
		const watched = [
			{ fd: this.#fd, events: poll.IN, revents: 0 },
			{ fd: 0, events: poll.IN, revents: 0 },
		];
		const order = Buffer.alloc(4096);
		for (;;) {
			system.poll(watched, this.#late.length > 0 ? 10 : 1000);
			for (const now = performance.now(); this.#late[0] !== undefined && this.#late[0].dueMs <= now; ) {
				const { unique, result } = this.#late.shift()!;
				this.#reply(unique, result);
			}
			if (watched[1]!.revents !== 0) {
				const length = system.read(0, order);
				if (length <= 0) return;
				for (const line of order.toString("latin1", 0, length).split("\n").filter(Boolean)) this.#order(line);
			}
			for (let n = 0; n < 64; n++) {
				const length = system.read(this.#fd, this.#request);
				if (length === -errno.ENODEV) return;
				if (length <= 0) break;
				this.#serve(this.#request.subarray(0, length));
			}
		}
	}

	#order(line: string): void {
		const [word, ...numbers] = line.split(" ");
		const [first = 0, second = 0] = numbers.map(Number);
		let answer: string;
		if (word === "freeze") {
			this.#frozen = true;
			const { kept, lost } = this.#image.lose(first);
			answer = `frozen ${kept} ${lost}`;
		} else if (word === "slow") {
			this.#slowMs = first;
			answer = "slow";
		} else {
			answer = word === "fail" ? "failing" : "healthy";
			this.#failing = word === "fail" ? first : 0;
			this.#frozen = false;
			this.#random = new Random(second);
			for (const unique of this.#waiting.splice(0)) this.#answer(unique, errno.EIO);
		}
		writeSync(1, `${answer}\n`);
	}

	#serve(raw: Buffer): void {
		const kind = raw.readUInt32LE(4);
		const unique = raw.readBigUInt64LE(8);
		if (kind === opcode.FORGET || kind === opcode.BATCH_FORGET || kind === opcode.INTERRUPT) return;
		const isOfTheDisk = kind === opcode.READ || kind === opcode.WRITE || kind === opcode.FSYNC;
		if (this.#failing > 0 && isOfTheDisk && this.#random.chance(this.#failing / 100)) this.#answer(unique, errno.EIO);
		else if (this.#frozen) this.#waiting.push(unique);
		else {
			const result = this.#result(kind, raw.readBigUInt64LE(16), raw.subarray(inHeaderSize));
			if (this.#slowMs === 0 || kind !== opcode.READ) this.#reply(unique, result);
			else this.#late.push({ unique, dueMs: performance.now() + this.#slowMs, result });
		}
	}

	#reply(unique: bigint, result: Buffer | number): void {
		if (typeof result === "number") this.#answer(unique, result);
		else this.#answer(unique, 0, result);
	}

	/** The body of an answer, or an errno. */
	#result(kind: number, of: bigint, body: Buffer): Buffer | number {
		switch (kind) {
			case opcode.INIT:
				return init(body);
			case opcode.LOOKUP:
				return this.#entry();
			case opcode.GETATTR:
				return this.#attributes(of);
			case opcode.OPEN:
			case opcode.OPENDIR:
				return opened();
			case opcode.READ:
				return this.#image.read(Number(body.readBigUInt64LE(8)), body.readUInt32LE(16));
			case opcode.WRITE: {
				const size = body.readUInt32LE(16);
				this.#image.write(Number(body.readBigUInt64LE(8)), body.subarray(40, 40 + size));
				const out = Buffer.alloc(8);
				out.writeUInt32LE(size);
				return out;
			}
			case opcode.FSYNC:
				this.#image.flush();
				return 0;
			case opcode.RELEASE:
			case opcode.RELEASEDIR:
				return 0;
			case opcode.FALLOCATE:
				return errno.EOPNOTSUPP;
			default:
				return errno.ENOSYS;
		}
	}

	#entry(): Buffer {
		const out = Buffer.alloc(40 + 88);
		out.writeBigUInt64LE(node, 0);
		out.writeBigUInt64LE(3600n, 16);
		out.writeBigUInt64LE(3600n, 24);
		this.#attr(node).copy(out, 40);
		return out;
	}

	#attributes(of: bigint): Buffer {
		const out = Buffer.alloc(16 + 88);
		out.writeBigUInt64LE(3600n, 0);
		this.#attr(of).copy(out, 16);
		return out;
	}

	#attr(of: bigint): Buffer {
		const out = Buffer.alloc(88);
		const isFile = of === node;
		out.writeBigUInt64LE(of, 0);
		out.writeBigUInt64LE(BigInt(isFile ? this.#image.bytes : 0), 8);
		out.writeUInt32LE(isFile ? 0o100600 : 0o040700, 60);
		out.writeUInt32LE(1, 64);
		out.writeUInt32LE(blockBytes, 80);
		return out;
	}

	#answer(unique: bigint, error: number, body: Buffer = Buffer.alloc(0)): void {
		const head = Buffer.alloc(outHeaderSize);
		head.writeUInt32LE(outHeaderSize + body.length, 0);
		head.writeInt32LE(-error, 4);
		head.writeBigUInt64LE(unique, 8);
		system.write(this.#fd, Buffer.concat([head, body]));
	}
}

function init(body: Buffer): Buffer {
	const out = Buffer.alloc(64);
	out.writeUInt32LE(7, 0);
	out.writeUInt32LE(31, 4);
	out.writeUInt32LE(body.readUInt32LE(8), 8);
	out.writeUInt32LE(1 << 5, 12);
	out.writeUInt32LE(maxWrite, 20);
	return out;
}

/** Past the page cache: what the loop device writes comes here at once. */
function opened(): Buffer {
	const out = Buffer.alloc(16);
	out.writeUInt32LE(openReply.DIRECT_IO, 8);
	return out;
}

if (process.argv[1] === import.meta.filename) {
	const [directory = "", image = ""] = process.argv.slice(2);
	const server = new DiskServer(directory, image);
	writeSync(1, "ready\n");
	server.run();
}
