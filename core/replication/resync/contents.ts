/**
 * Second half of a resync: the content of each regular file by digests of its regions; only what differs is sent, and
 * holes stay holes. Each answer is compared with what is here at that moment, in one go, and from then on live
 * changes of that part are sent.
 */
import { SafekitError } from "../../errors.ts";
import { falloc, type as fileType } from "../errno.ts";
import type { FileRef } from "../operation.ts";
import type { Stat } from "../system.ts";
import { regionBytes } from "../wire/limits.ts";
import type { Message } from "../wire/messages.ts";
import type { FileWork, Piece } from "./fileWork.ts";
import { isGone, unusable } from "./gone.ts";
import { attributesOf, digestsOf, nextData, readOnly, readPiece, sameOwner, segmentsOf } from "./look.ts";
import { LostNames } from "./lostNames.ts";
import type { Scope } from "./scope.ts";

type Compared = Extract<Message, { is: "compared" }>;

/** Compared with one answer; digests and repairs of so much are one slice. */
const rangeBytes = BigInt(2 * regionBytes);
/** Questions about one file that are on their way together. */
const piecesAtOnce = 4;
const maxAskedBytes = 32 << 20;
/** Small files cost little more than the time of an answer: so many of them for each lane. */
const filesPerLane = 16;
const smallFile = 1 << 20;

interface Asked {
	scope: Scope;
	ref: FileRef;
	file: FileWork;
	piece: Piece;
	offset: bigint;
	length: bigint;
	region: number;
}

export class Contents {
	readonly #lanes: number;
	#queue: { scope: Scope; ref: FileRef }[] = [];
	/** Their directories are still being compared. */
	#waiting: { scope: Scope; ref: FileRef }[] = [];
	#lost: LostNames | null = null;
	readonly #asked = new Map<number, Asked>();
	readonly #answers: Compared[] = [];
	#askedBytes = 0;
	#large = 0;
	#files = 0;
	/** Apart from those of names: an answer may only say that something is gone. */
	#lastRequest = 2 ** 40;
	/** Files that differed, and bytes that were sent for them. */
	files = 0;
	bytes = 0;
	/** For the progress: what was looked at, and what is known of. */
	doneBytes = 0;
	totalBytes = 0;
	doneFiles = 0;

	/** @param lanes large files that are compared at the same time. */
	constructor(lanes: number) {
		this.#lanes = lanes;
	}

	get idle(): boolean {
		const left = this.#queue.length + this.#waiting.length + this.#asked.size + this.#answers.length;
		return left === 0 && this.#lost === null;
	}

	/** The target was asked something and has not answered. */
	get asks(): boolean {
		return this.#asked.size > 0;
	}

	/** So many files wait that no more names should be looked at. */
	get busy(): boolean {
		return this.#queue.length > 10_000;
	}

	enqueue(scope: Scope, ref: FileRef, bytes: number): void {
		this.#queue.push({ scope, ref });
		this.totalBytes += bytes;
	}

	/** Sent without a question. */
	sent(bytes: number): void {
		this.files++;
		this.doneFiles++;
		this.bytes += bytes;
		this.doneBytes += bytes;
		this.totalBytes += bytes;
	}

	answered(message: Compared): void {
		this.#answers.push({ ...message, digests: message.digests.map((digest) => Buffer.from(digest)) });
	}

	/** The target has lost the file. True: this was a question of this part. */
	absent(request: number): boolean {
		const asked = this.#asked.get(request);
		if (asked === undefined) return false;
		const { scope, ref } = asked;
		if (typeof scope.volume.tree.stat(ref) !== "number")
			throw new SafekitError("REPLICATION_LIMIT", "the other server lacks a file that it had");
		this.#asked.delete(request);
		this.#askedBytes -= weight(asked);
		asked.file.answered(asked.piece);
		this.#gone(scope, ref, asked.file);
		return true;
	}

	/**
	 * A bounded piece of work; false: nothing to do until something is answered or enqueued.
	 * @param named all names are equal: files are found by them.
	 */
	step(named: boolean): boolean {
		const answer = this.#answers.shift();
		if (answer !== undefined) {
			this.#take(answer);
			return true;
		}
		if (this.#lost !== null) {
			if (this.#lost.step()) return true;
			for (const each of this.#lost.end()) this.#queue.push(each);
			this.#lost = null;
			return true;
		}
		if (this.#queue.length > 0) return this.#start(named);
		return named && this.#search();
	}

	/** Files whose names nobody remembers. */
	#search(): boolean {
		if (this.#waiting.length === 0 || this.#asked.size > 0) return false;
		this.#lost = new LostNames(this.#waiting);
		this.#waiting = [];
		return true;
	}

	#start(named: boolean): boolean {
		const room = this.#large < this.#lanes && this.#files < this.#lanes * filesPerLane;
		if (!room || this.#askedBytes >= maxAskedBytes) return false;
		const { scope, ref } = this.#queue.pop()!;
		const work = scope.pendingFiles.get(ref);
		// What is being placed has its turn after the answer.
		if (work === undefined || work.placing) return true;
		if (!scope.binder.has(ref) && !(named && scope.reach(ref)) && !scope.binder.has(ref)) {
			if (scope.unreachable(ref)) scope.pendingFiles.delete(ref);
			else this.#waiting.push({ scope, ref });
			return true;
		}
		scope.pendingFiles.delete(ref);
		const stat = scope.volume.tree.stat(ref);
		if (typeof stat === "number") {
			isGone(stat);
			return true;
		}
		if ((stat.mode & fileType.MASK) !== fileType.FILE) {
			this.#attributesOnly(scope, ref, stat);
			return true;
		}
		scope.active.set(ref, work);
		this.#files++;
		work.large = stat.size > smallFile;
		if (work.large) this.#large++;
		this.#ask(scope, ref, work);
		return true;
	}

	#attributesOnly(scope: Scope, ref: FileRef, stat: Stat): void {
		if ((stat.mode & fileType.MASK) === fileType.DIRECTORY) {
			scope.pendDirectory(ref);
			return;
		}
		scope.volume.tree.with<never>(ref, (fd) => {
			scope.repairer.setAttributes(ref, fd, stat, true);
			return 0;
		});
		scope.fileEqual(ref);
	}

	/** Asks for the next parts; a file that is gone is forgotten. */
	#ask(scope: Scope, ref: FileRef, file: FileWork): void {
		const { tree } = scope.volume;
		const result = tree.withFile(ref, readOnly(tree.system), (fd) => {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") return stat;
			const size = BigInt(stat.size);
			while (file.parts < piecesAtOnce && (file.parts === 0 || this.#askedBytes < maxAskedBytes)) {
				const next = file.next(size);
				// Attributes are asked for with the content, or alone.
				if (next === null && file.parts > 0) return 0;
				const { from, to } = next ?? { from: size, to: size };
				const data = from < to ? nextData(tree.system, fd, from, size) : to;
				const isHole = data - from > rangeBytes;
				const most = isHole ? data : from + rangeBytes;
				const length = bounded((most < to ? most : to) - from);
				const region = isHole ? Number(length < 1n << 31n ? length : 1n << 31n) : regionBytes;
				this.#send({ scope, ref, file, piece: file.ask(from, from + length), offset: from, length, region });
				if (next === null) return 0;
			}
			return 0;
		});
		if (typeof result === "number" && result < 0 && isGone(result) && !file.waiting) this.#gone(scope, ref, file);
	}

	#send(asked: Asked): void {
		const { scope, ref, offset, length, region } = asked;
		this.#asked.set(++this.#lastRequest, asked);
		this.#askedBytes += weight(asked);
		const range = { offset, length, region };
		scope.send({ is: "compare", request: this.#lastRequest, dir: scope.volume.index, file: ref, ...range });
	}

	#gone(scope: Scope, ref: FileRef, file: FileWork): void {
		if (scope.active.get(ref) !== file) return;
		scope.active.delete(ref);
		this.#left(file);
	}

	#left(file: FileWork): void {
		this.#files--;
		if (file.large) this.#large--;
	}

	#take(answer: Compared): void {
		const asked = this.#asked.get(answer.request);
		if (asked === undefined) return;
		this.#asked.delete(answer.request);
		this.#askedBytes -= weight(asked);
		const { scope, ref, file, piece } = asked;
		const valid = file.answered(piece);
		if (scope.active.get(ref) !== file) return;
		const { tree } = scope.volume;
		const result = tree.withFile(ref, readOnly(tree.system), (fd) => {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") return stat;
			if (!valid) return 1;
			const size = BigInt(stat.size);
			// What was a hole of any length has been written to meanwhile: ask in pieces that one slice can repair.
			if (asked.region > regionBytes && nextData(tree.system, fd, asked.offset, size) < piece.to) {
				file.again(piece.from, piece.to);
				return 1;
			}
			this.#compare(asked, answer, fd, stat);
			file.equal(piece.from, piece.to);
			this.doneBytes += Number(asked.length);
			if (file.waiting || file.next(size) !== null) return 1;
			this.#end(asked, answer, fd, stat);
			return 0;
		});
		if (result === 1) this.#ask(scope, ref, file);
		else if (typeof result === "number" && result < 0 && isGone(result)) this.#gone(scope, ref, file);
	}

	#compare(asked: Asked, answer: Compared, fd: number, stat: Stat): void {
		const size = BigInt(stat.size);
		const { system } = asked.scope.volume.tree;
		const end = asked.offset + asked.length;
		for (const [index, offset] of offsets(asked).entries()) {
			const length = end - offset < BigInt(asked.region) ? end - offset : BigInt(asked.region);
			const theirs = answer.digests[index];
			// Where the target has nothing at all, there is nothing to be compared with.
			const absent = offset >= answer.own.size && offset < size && nextData(system, fd, offset, size) < offset + length;
			const [own] = absent ? [] : digestsOf(system, fd, { offset, length, region: asked.region }, size);
			if (own !== undefined && own.length > 0 && theirs?.equals(own)) continue;
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
		this.#touch(file);
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
				file.sent += data.length;
			}
		}
	}

	#touch(file: FileWork): void {
		if (!file.counted) this.files++;
		file.counted = file.touched = true;
	}

	/** Size and attributes; from here on the file is equal. */
	#end({ scope, ref, file }: Asked, { own: theirs }: Compared, fd: number, stat: Stat): void {
		const own = attributesOf(scope.volume.tree, fd, stat);
		if (own.size !== theirs.size || file.touched) {
			this.#touch(file);
			scope.repair({ op: "truncate", file: ref, size: own.size, mtimeNs: own.mtimeNs });
		}
		if (own.blocks > theirs.blocks) this.#preallocate(scope, ref, fd, own.mtimeNs);
		const sameExtended = own.xattrs.equals(theirs.xattrs);
		if (file.touched || !sameExtended || !sameOwner(own, theirs) || own.mtimeNs !== theirs.mtimeNs)
			scope.repairer.setAttributes(ref, fd, stat, !sameExtended);
		this.doneFiles++;
		this.#left(file);
		scope.fileEqual(ref);
		scope.onDetail(ref, file.touched ? `is updated, ${file.sent} bytes` : "has the same content");
	}

	/** Blocks that the application reserved and did not write yet: the target must not run out of them later. */
	#preallocate(scope: Scope, file: FileRef, fd: number, mtimeNs: bigint): void {
		const ranges = scope.volume.tree.system.preallocated(fd);
		for (const { offset, length } of typeof ranges === "number" ? [] : ranges) {
			scope.repair({ op: "fallocate", file, mode: falloc.KEEP_SIZE, offset, length, mtimeNs });
		}
	}
}

function offsets({ offset, length, region }: Asked): bigint[] {
	const count = Number((length + BigInt(region) - 1n) / BigInt(region));
	return Array.from({ length: count }, (_, index) => offset + BigInt(index) * BigInt(region));
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
