/**
 * Second half of a resync: the content of each regular file by digests of its regions; only what differs is sent, and
 * holes stay holes. Each answer is compared with what is here at that moment, in one go, and from then on live
 * changes of that part are sent.
 */
import { falloc } from "../errno.ts";
import type { FileRef } from "../operation.ts";
import type { Stat } from "../system.ts";
import { regionBytes } from "../wire/limits.ts";
import type { Message } from "../wire/messages.ts";
import { attributesOf, digestsOf, nextData, readOnly, readPiece, sameOwner, segmentsOf } from "./look.ts";
import { type ActiveFile, isGone, type Scope, unusable } from "./scope.ts";

type Compared = Extract<Message, { is: "compared" }>;

/** Compared with one answer; digests and repairs of so much are one slice. */
const rangeBytes = BigInt(2 * regionBytes);
const maxAsked = 64;
const maxAskedBytes = 16 << 20;

interface Asked {
	scope: Scope;
	ref: FileRef;
	file: ActiveFile;
	generation: number;
	offset: bigint;
	length: bigint;
	region: number;
}

export class Contents {
	#queue: { scope: Scope; ref: FileRef; size: number }[] = [];
	readonly #asked = new Map<number, Asked>();
	readonly #answers: Compared[] = [];
	#askedBytes = 0;
	#lastRequest = 0;
	/** Files that differed, and bytes that were sent for them. */
	files = 0;
	bytes = 0;
	/** For the progress: what was looked at, and what is known of. */
	doneBytes = 0;
	totalBytes = 0;

	get idle(): boolean {
		return this.#queue.length === 0 && this.#asked.size === 0 && this.#answers.length === 0;
	}

	/** So many files wait that no more names should be looked at. */
	get busy(): boolean {
		return this.#queue.length > 10_000;
	}

	enqueue(scope: Scope, ref: FileRef, size: number): void {
		this.#queue.push({ scope, ref, size });
		this.totalBytes += size;
	}

	answered(message: Compared): void {
		this.#answers.push({ ...message, digests: message.digests.map((digest) => Buffer.from(digest)) });
	}

	/** A bounded piece of work; false: nothing to do until something is answered or enqueued. */
	step(): boolean {
		const answer = this.#answers.shift();
		if (answer !== undefined) {
			this.#take(answer);
			return true;
		}
		if (this.#queue.length === 0 || this.#asked.size >= maxAsked || this.#askedBytes >= maxAskedBytes) return false;
		const { scope, ref } = this.#queue.pop()!;
		if (scope.doneFiles.has(ref) || scope.active.has(ref)) return true;
		const file: ActiveFile = { cursor: 0n, generation: 0, touched: false };
		scope.active.set(ref, file);
		this.#ask(scope, ref, file);
		return true;
	}

	/** Asks for the next range, or forgets a file that is gone. */
	#ask(scope: Scope, ref: FileRef, file: ActiveFile): void {
		const { tree } = scope.volume;
		const result = tree.withFile(ref, readOnly(tree.system), (fd) => {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") return stat;
			const size = BigInt(stat.size);
			const data = file.cursor < size ? nextData(tree.system, fd, file.cursor, size) : size;
			const isHole = data - file.cursor > rangeBytes;
			const end = isHole ? data : file.cursor + rangeBytes < size ? file.cursor + rangeBytes : size;
			const length = end > file.cursor ? end - file.cursor : 0n;
			const region = isHole && length < 1n << 31n ? Number(length) : isHole ? 2 ** 31 : regionBytes;
			this.#send({
				scope,
				ref,
				file,
				generation: file.generation,
				offset: file.cursor,
				length: bounded(length),
				region,
			});
			return 0;
		});
		if (typeof result === "number" && result < 0) this.#gone(scope, ref, result);
	}

	#send(asked: Asked): void {
		const { scope, ref, offset, length, region } = asked;
		this.#asked.set(++this.#lastRequest, asked);
		this.#askedBytes += weight(asked);
		const range = { offset, length, region };
		scope.send({ is: "compare", request: this.#lastRequest, dir: scope.volume.index, file: ref, ...range });
	}

	#gone(scope: Scope, ref: FileRef, result: number): void {
		scope.active.delete(ref);
		isGone(result);
	}

	#take(answer: Compared): void {
		const asked = this.#asked.get(answer.request);
		if (asked === undefined) return;
		this.#asked.delete(answer.request);
		this.#askedBytes -= weight(asked);
		const { scope, ref, file } = asked;
		if (scope.active.get(ref) !== file) return;
		if (file.generation !== asked.generation) {
			this.#ask(scope, ref, file);
			return;
		}
		const { tree } = scope.volume;
		const result = tree.withFile(ref, readOnly(tree.system), (fd) => {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") return stat;
			const size = BigInt(stat.size);
			const end = asked.offset + asked.length;
			// What was a hole of any length has been written to meanwhile: ask in pieces that one slice can repair.
			if (asked.region > regionBytes && nextData(tree.system, fd, asked.offset, size) < end) return 1;
			this.#compare(asked, answer, fd, stat);
			file.cursor = end;
			this.doneBytes += Number(asked.length);
			if (file.cursor < size) return 1;
			this.#end(asked, answer, fd, stat);
			return 0;
		});
		if (result === 1) this.#ask(scope, ref, file);
		else if (typeof result === "number" && result < 0) this.#gone(scope, ref, result);
	}

	#compare(asked: Asked, answer: Compared, fd: number, stat: Stat): void {
		const size = BigInt(stat.size);
		const own = digestsOf(asked.scope.volume.tree.system, fd, asked, size);
		for (const [index, digest] of own.entries()) {
			const theirs = answer.digests[index];
			if (theirs?.equals(digest) && digest.length > 0) continue;
			const offset = asked.offset + BigInt(index * asked.region);
			const end = asked.offset + asked.length;
			const length = end - offset < BigInt(asked.region) ? end - offset : BigInt(asked.region);
			this.#repair(asked, answer, { fd, offset, length, size });
		}
	}

	/** Sends one region as it is here. */
	#repair(
		{ scope, ref, file }: Asked,
		{ own }: Compared,
		{ fd, offset, length, size }: { fd: number; offset: bigint; length: bigint; size: bigint },
	): void {
		const { system } = scope.volume.tree;
		if (!file.touched) this.files++;
		file.touched = true;
		for (const segment of segmentsOf(system, fd, offset, length, size)) {
			if (!segment.data) {
				const mode = falloc.PUNCH_HOLE | falloc.KEEP_SIZE;
				const range = { offset: segment.offset, length: segment.length };
				if (segment.offset < own.size)
					scope.repair({ op: "fallocate", file: ref, mode, ...range, mtimeNs: own.mtimeNs });
				continue;
			}
			for (let done = 0n; done < segment.length; ) {
				const data = readPiece(system, fd, segment.offset + done, Number(segment.length - done));
				if (typeof data === "number") throw unusable("a file cannot be read", data);
				if (data.length === 0) break;
				scope.repair({ op: "write", file: ref, offset: segment.offset + done, data, mtimeNs: own.mtimeNs });
				done += BigInt(data.length);
				this.bytes += data.length;
			}
		}
	}

	/** Size and attributes; from here on the file is equal. */
	#end({ scope, ref, file }: Asked, { own: theirs }: Compared, fd: number, stat: Stat): void {
		const own = attributesOf(scope.volume.tree, fd, stat);
		if (own.size !== theirs.size || file.touched) {
			if (!file.touched) this.files++;
			file.touched = true;
			scope.repair({ op: "truncate", file: ref, size: own.size, mtimeNs: own.mtimeNs });
		}
		if (own.blocks > theirs.blocks) this.#preallocate(scope, ref, fd, own.mtimeNs);
		const sameExtended = own.xattrs.equals(theirs.xattrs);
		if (file.touched || !sameExtended || !sameOwner(own, theirs) || own.mtimeNs !== theirs.mtimeNs)
			scope.setAttributes(ref, fd, stat, !sameExtended);
		scope.active.delete(ref);
		scope.doneFiles.add(ref);
	}

	/** Blocks that the application reserved and did not write yet: the target must not run out of them later. */
	#preallocate(scope: Scope, file: FileRef, fd: number, mtimeNs: bigint): void {
		const ranges = scope.volume.tree.system.preallocated(fd);
		for (const { offset, length } of typeof ranges === "number" ? [] : ranges) {
			scope.repair({ op: "fallocate", file, mode: falloc.KEEP_SIZE, offset, length, mtimeNs });
		}
	}
}

/** At most 64 regions of 2 GiB in one question. */
function bounded(length: bigint): bigint {
	const most = 1n << 36n;
	return length < most ? length : most;
}

/** A hole costs nothing to compare. */
function weight(asked: Asked): number {
	return Math.min(Number(asked.length), Number(rangeBytes)) + 4096;
}
