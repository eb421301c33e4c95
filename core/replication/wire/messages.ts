/** Everything that two replication processes say to each other once the handshake is done. Message ⇄ bytes. */
import type { Epoch } from "../../engine/replication.ts";
import type { FileId, FileRef, NewNode, Operation } from "../operation.ts";
import { ByteReader, ByteWriter, many, wireError } from "./bytes.ts";
import { type ExtendedAttribute, readExtended, readWhole, type Whole, writeExtended, writeWhole } from "./content.ts";
import { maxFileId, maxLinkTarget, maxMessage, maxName } from "./limits.ts";
import { maxTold, readToldMark, type ToldMark, writeToldMark } from "./markMessages.ts";
import { readName, readNode, readOperation, writeNode, writeOperation } from "./operations.ts";

/** What is compared of a file besides its content. */
export interface Attributes {
	mode: number;
	uid: number;
	gid: number;
	rdev: number;
	size: bigint;
	/** Of 512 bytes. */
	blocks: number;
	mtimeNs: bigint;
	/** Digest over the extended attributes; empty: it has none. */
	xattrs: Buffer;
}

export interface ListedEntry {
	name: Buffer;
	/** Empty: the file has no valid id here. */
	id: FileId;
	/** The target's own reference. */
	own: FileRef;
	attributes: Attributes;
}

/** `dir`: index of the replicated directory. References are the source's; the target keeps the translation. */
export type Message =
	/** Source: an operation with its number. */
	| { is: "operation"; dir: number; seq: number; operation: Operation }
	/** Source: this file of mine is that file of yours, as you listed it under the same name and id. */
	| { is: "bind"; dir: number; file: FileRef; own: FileRef }
	/** Target: everything up to this number was received (`async="none"`: is on disk). */
	| { is: "received"; seq: number }
	/** Target: the sync with this number is done. */
	| { is: "synced"; seq: number }
	/** Target: term and role are durable, `alone` is gone: the session begins. */
	/**
	 * `adopts`: the copy was made by hand, its files may have no ids yet and are known by their names. `sinceMs`: all
	 * that was changed before is there, says a person (0: nobody does).
	 */
	| { is: "accepted"; adopts: boolean; sinceMs: number }
	/** Target: it could not apply something and stops. `differs`: in this directory of the source (0: in none). */
	| { is: "broken"; why: string; dir: number; differs: FileRef }
	/** Either side, all the time; the other sends it back as an echo. `at`: the sender's own clock, milliseconds. */
	| { is: "pulse" | "echo"; at: number }
	/** Either side: the session ends on purpose (stop, swap), nothing is missing. Source → target: drained up to here. */
	| { is: "farewell" }
	/** Source: what is in this directory? */
	| { is: "list"; request: number; dir: number; file: FileRef; details: boolean }
	/** Without `details` the attributes of the entries hold their kind only. */
	| { is: "listed"; request: number; last: boolean; own: Attributes; entries: ListedEntry[] }
	/** Target: what was asked about is not there. */
	| { is: "absent"; request: number }
	/**
	 * Source: this name must lead to this file; whatever else has the name goes to limbo. Parent 0: kept open files.
	 * `request` 0: nobody asks whether it was made or found. Otherwise what is made has no id yet: an interrupted copy
	 * must not take it for equal. Numbered like an operation. `whole`: what the file holds, null: that comes by itself.
	 */
	| {
			is: "place";
			seq: number;
			request: number;
			dir: number;
			parent: FileRef;
			name: Buffer;
			file: FileRef;
			id: FileId;
			node: NewNode;
			target: Buffer;
			whole: Whole | null;
	  }
	/** Target: it was found here by its id, or it was made and is empty. */
	| { is: "placed"; request: number; dir: number; made: boolean }
	/** Source: what was made without an id, because it was asked about, has this one: this side has marked it. */
	| { is: "identify"; dir: number; file: FileRef; id: FileId }
	/** Source: what may differ on your side? `indexes`: only these marks again; empty: all. */
	| { is: "tellMarks"; request: number; dir: number; indexes: number[] }
	/** Target: in several messages, up to the `last` one. `everything`: it does not know. */
	| { is: "marks"; request: number; dir: number; last: boolean; everything: boolean; marks: ToldMark[] }
	/** Source: this name must not exist; what has it goes to limbo. */
	| { is: "limbo"; dir: number; parent: FileRef; name: Buffer }
	/** Source: digests of this range, one for each region. */
	| { is: "compare"; request: number; dir: number; file: FileRef; offset: bigint; length: bigint; region: number }
	| { is: "compared"; request: number; own: Attributes; digests: Buffer[] }
	/** Source: exactly these extended attributes, in pieces up to the `last` one. */
	| { is: "xattrs"; dir: number; file: FileRef; last: boolean; entries: ExtendedAttribute[] }
	/** Source: nothing in this directory is known to me: put all of it into quarantine. */
	| { is: "foreign"; dir: number }
	/** Source: all names and contents are sent; become equal durably and take over the epoch. */
	| { is: "finish"; epoch: Epoch }
	| { is: "finished" }
	/** Source: what came before this is to be on disk. `recorded`: the last number that it has recorded itself. */
	| { is: "checkpoint"; number: number; recorded: number }
	/** Target: it is, and recorded. */
	| { is: "checkpointed"; number: number }
	/** Source: §5.8 step 5 is done; so much was copied. */
	| { is: "promotable"; files: number; bytes: number };

const kinds = [
	"operation",
	"bind",
	"received",
	"synced",
	"accepted",
	"broken",
	"pulse",
	"echo",
	"farewell",
	"list",
	"listed",
	"place",
	"limbo",
	"compare",
	"compared",
	"xattrs",
	"foreign",
	"finish",
	"finished",
	"promotable",
	"absent",
	"placed",
	"tellMarks",
	"marks",
	"identify",
	"checkpoint",
	"checkpointed",
] as const satisfies readonly Message["is"][];

/** Marks that are asked for again in one message. */
export const maxAskedMarks = 10_000;
const maxEntries = 65_536;
const maxDigests = 64;

/** The message as it travels inside a packet. */
export function encodeMessage(m: Message): Buffer {
	const w = new ByteWriter(dataOf(m) + 256).u8(kinds.indexOf(m.is));
	switch (m.is) {
		case "operation":
			writeOperation(w.u8(m.dir).count(m.seq), m.operation);
			break;
		case "bind":
			w.u8(m.dir).u64(m.file).u64(m.own);
			break;
		case "received":
		case "synced":
			w.count(m.seq);
			break;
		case "broken":
			w.text(m.why.slice(0, 1000)).u8(m.dir).u64(m.differs);
			break;
		case "finish":
			w.text(JSON.stringify(m.epoch));
			break;
		case "accepted":
			w.u8(m.adopts ? 1 : 0).count(m.sinceMs);
			break;
		case "farewell":
		case "finished":
			break;
		case "pulse":
		case "echo":
			w.count(m.at);
			break;
		case "promotable":
			w.count(m.files).count(m.bytes);
			break;
		case "checkpoint":
			w.count(m.number).count(m.recorded);
			break;
		case "checkpointed":
			w.count(m.number);
			break;
		default:
			writeResync(w, m);
	}
	return w.end();
}

/** Bytes of content in it. */
function dataOf(m: Message): number {
	if (m.is === "place") return m.whole?.data.length ?? 0;
	return m.is === "operation" && m.operation.op === "write" ? m.operation.data.length : 0;
}

type ResyncMessage = Extract<
	Message,
	{
		is:
			| ("list" | "listed" | "place" | "limbo" | "compare" | "compared" | "xattrs" | "foreign")
			| ("absent" | "placed" | "tellMarks" | "marks" | "identify");
	}
>;

function writeResync(w: ByteWriter, m: ResyncMessage): void {
	switch (m.is) {
		case "list":
			w.count(m.request)
				.u8(m.dir)
				.u64(m.file)
				.u8(m.details ? 1 : 0);
			break;
		case "absent":
			w.count(m.request);
			break;
		case "identify":
			w.u8(m.dir).u64(m.file).text(m.id);
			break;
		case "placed":
			w.count(m.request)
				.u8(m.dir)
				.u8(m.made ? 1 : 0);
			break;
		case "tellMarks":
			w.count(m.request).u8(m.dir).u32(m.indexes.length);
			for (const index of m.indexes) w.u32(index);
			break;
		case "marks":
			w.count(m.request)
				.u8(m.dir)
				.u8((m.last ? 1 : 0) | (m.everything ? 2 : 0))
				.u32(m.marks.length);
			for (const mark of m.marks) writeToldMark(w, mark);
			break;
		case "listed":
			writeAttributes(w.count(m.request).u8(m.last ? 1 : 0), m.own);
			w.u32(m.entries.length);
			for (const { name, id, own, attributes } of m.entries) {
				writeAttributes(w.bytes(name).text(id).u64(own), attributes);
			}
			break;
		case "place":
			w.count(m.seq).count(m.request).u8(m.dir).u64(m.parent).bytes(m.name).u64(m.file).text(m.id);
			writeNode(w, m.node);
			writeWhole(w.bytes(m.target), m.whole);
			break;
		case "limbo":
			w.u8(m.dir).u64(m.parent).bytes(m.name);
			break;
		case "compare":
			w.count(m.request).u8(m.dir).u64(m.file).u64(m.offset).u64(m.length).u32(m.region);
			break;
		case "compared":
			writeAttributes(w.count(m.request), m.own).u32(m.digests.length);
			for (const digest of m.digests) w.bytes(digest);
			break;
		case "xattrs":
			w.u8(m.dir).u64(m.file);
			writeExtended(w.u8(m.last ? 1 : 0), m.entries);
			break;
		case "foreign":
			w.u8(m.dir);
	}
}

/** Reads one message. Buffers are views on it. @throws SafekitError REPLICATION_WIRE for anything that is none. */
export function decodeMessage(bytes: Buffer): Message {
	if (bytes.length > maxMessage) throw wireError(`a message of ${bytes.length} bytes`);
	const r = new ByteReader(bytes);
	const is = kinds[r.u8()];
	if (is === undefined) throw wireError("a message of an unknown kind");
	const message = readMessage(is, r);
	r.end();
	return message;
}

function readMessage(is: Message["is"], r: ByteReader): Message {
	switch (is) {
		case "operation":
			return { is, dir: r.u8(), seq: r.count(), operation: readOperation(r) };
		case "bind":
			return { is, dir: r.u8(), file: r.u64(), own: r.u64() };
		case "received":
		case "synced":
			return { is, seq: r.count() };
		case "broken":
			return { is, why: r.text(4000), dir: r.u8(), differs: r.u64() };
		case "finish":
			return { is, epoch: readEpoch(r.text(4000)) };
		case "accepted":
			return { is, adopts: r.u8() !== 0, sinceMs: r.count() };
		case "farewell":
		case "finished":
			return { is };
		case "pulse":
		case "echo":
			return { is, at: r.count() };
		case "promotable":
			return { is, files: r.count(), bytes: r.count() };
		case "checkpoint":
			return { is, number: r.count(), recorded: r.count() };
		case "checkpointed":
			return { is, number: r.count() };
		default:
			return readResync(is, r);
	}
}

function readResync(is: ResyncMessage["is"], r: ByteReader): ResyncMessage {
	switch (is) {
		case "list":
			return { is, request: r.count(), dir: r.u8(), file: r.u64(), details: r.u8() !== 0 };
		case "absent":
			return { is, request: r.count() };
		case "identify":
			return { is, dir: r.u8(), file: r.u64(), id: r.text(maxFileId) };
		case "placed":
			return { is, request: r.count(), dir: r.u8(), made: r.u8() !== 0 };
		case "tellMarks":
			return { is, request: r.count(), dir: r.u8(), indexes: many(r, maxAskedMarks, () => r.u32()) };
		case "marks": {
			const [request, dir, flags] = [r.count(), r.u8(), r.u8()];
			const head = { request, dir, last: (flags & 1) !== 0, everything: (flags & 2) !== 0 };
			return { is, ...head, marks: many(r, maxTold, () => readToldMark(r)) };
		}
		case "listed": {
			const head = { request: r.count(), last: r.u8() !== 0, own: readAttributes(r) };
			const read = () => ({
				name: readName(r),
				id: r.text(maxFileId),
				own: r.u64(),
				attributes: readAttributes(r),
			});
			return { is, ...head, entries: many(r, maxEntries, read) };
		}
		case "place":
			return readPlace(r);
		case "limbo":
			return { is, dir: r.u8(), parent: r.u64(), name: readName(r) };
		case "compare": {
			const range = { dir: 0, file: 0n, offset: 0n, length: 0n };
			const request = r.count();
			Object.assign(range, { dir: r.u8(), file: r.u64(), offset: r.u64(), length: r.u64() });
			const region = r.u32();
			if (region === 0) throw wireError("a region of no bytes");
			return { is, request, ...range, region };
		}
		case "compared":
			return { is, request: r.count(), own: readAttributes(r), digests: many(r, maxDigests, () => r.bytes(64)) };
		case "xattrs": {
			const file = { dir: r.u8(), file: r.u64(), last: r.u8() !== 0 };
			return { is, ...file, entries: readExtended(r) };
		}
		case "foreign":
			return { is, dir: r.u8() };
	}
}

function readPlace(r: ByteReader): ResyncMessage {
	const head = { seq: r.count(), request: r.count(), dir: r.u8() };
	const names = { parent: r.u64(), name: readName(r), file: r.u64(), id: r.text(maxFileId) };
	const rest = { node: readNode(r), target: r.bytes(maxLinkTarget), whole: readWhole(r) };
	return { is: "place", ...head, ...names, ...rest };
}

function writeAttributes(w: ByteWriter, a: Attributes): ByteWriter {
	return w.u32(a.mode).u32(a.uid).u32(a.gid).u32(a.rdev).u64(a.size).count(a.blocks).time(a.mtimeNs).bytes(a.xattrs);
}

function readAttributes(r: ByteReader): Attributes {
	const owner = { mode: r.u32(), uid: r.u32(), gid: r.u32(), rdev: r.u32() };
	return { ...owner, size: r.u64(), blocks: r.count(), mtimeNs: r.time(), xattrs: r.bytes(64) };
}

function readEpoch(text: string): Epoch {
	const isId = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{16}$/.test(value);
	try {
		const { current, base, history } = JSON.parse(text) as Record<keyof Epoch, unknown>;
		if (isId(current) && isId(base) && Array.isArray(history) && history.length <= 8 && history.every(isId))
			return { current, base, history };
	} catch (cause) {
		throw wireError(`an epoch that is not JSON (${String(cause)})`);
	}
	throw wireError("an epoch that is none");
}

/** Bytes of a name in a listing, at most: name, id, attributes and their lengths. */
export const listedEntryBytes = 4 + maxName + 4 + maxFileId + 8 + 100;
