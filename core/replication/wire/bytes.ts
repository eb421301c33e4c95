/** Reading and writing of bounded binary values: big-endian, every length checked before it is believed. */
import { SafekitError } from "../../errors.ts";
import { passed, passing } from "./passing.ts";

/** What arrived over the link makes no sense: the link ends, nothing of it is used. */
export function wireError(message: string): SafekitError {
	return new SafekitError("REPLICATION_WIRE", message);
}

/** 2^31 seconds before 1970, and the last moment that fits in 64 bits from there. */
const [earliest, latest] = [2n ** 31n * 1_000_000_000n, 2n ** 64n - 1n];

/** A list of at most `limit` values, of which each takes a byte or more. */
export function many<T>(r: ByteReader, limit: number, read: () => T): T[] {
	const count = r.u32();
	if (count > limit || count > r.left) throw wireError(`a list of ${count}`);
	return Array.from({ length: count }, read);
}

/** Appends values to a buffer that grows. */
export class ByteWriter {
	#buffer: Buffer;
	#length = 0;

	constructor(size = 256) {
		this.#buffer = passing(size);
	}

	#room(bytes: number): number {
		const at = this.#length;
		if (at + bytes > this.#buffer.length) {
			const larger = passing(Math.max(this.#buffer.length * 2, at + bytes));
			this.#buffer.copy(larger, 0, 0, at);
			passed(this.#buffer);
			this.#buffer = larger;
		}
		this.#length = at + bytes;
		return at;
	}

	u8(value: number): this {
		const at = this.#room(1);
		this.#buffer.writeUInt8(value, at);
		return this;
	}

	u32(value: number): this {
		const at = this.#room(4);
		this.#buffer.writeUInt32BE(value >>> 0, at);
		return this;
	}

	/** A counter that stays below 2^53. */
	count(value: number): this {
		return this.u64(BigInt(value));
	}

	u64(value: bigint): this {
		const at = this.#room(8);
		this.#buffer.writeBigUInt64BE(BigInt.asUintN(64, value), at);
		return this;
	}

	/** Nanoseconds since 1970, from 1901 to 2486: what ext4 and XFS can hold, which a signed number cannot. */
	time(value: bigint): this {
		const since = value + earliest;
		return this.u64(since < 0n ? 0n : since > latest ? latest : since);
	}

	bytes(value: Uint8Array): this {
		this.u32(value.length);
		const at = this.#room(value.length);
		this.#buffer.set(value, at);
		return this;
	}

	text(value: string): this {
		return this.bytes(Buffer.from(value, "utf8"));
	}

	/** What was written; the writer is used up. */
	end(): Buffer {
		return this.#buffer.subarray(0, this.#length);
	}
}

/** Reads what ByteWriter wrote. Every step throws REPLICATION_WIRE instead of reading past the end. */
export class ByteReader {
	readonly #buffer: Buffer;
	#at = 0;

	constructor(buffer: Buffer) {
		this.#buffer = buffer;
	}

	#take(bytes: number): number {
		const at = this.#at;
		if (bytes > this.#buffer.length - at) throw wireError(`a message ends ${bytes} bytes too early`);
		this.#at = at + bytes;
		return at;
	}

	get left(): number {
		return this.#buffer.length - this.#at;
	}

	u8(): number {
		return this.#buffer.readUInt8(this.#take(1));
	}

	u32(): number {
		return this.#buffer.readUInt32BE(this.#take(4));
	}

	count(): number {
		const value = this.u64();
		if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw wireError(`the counter ${value} is out of range`);
		return Number(value);
	}

	u64(): bigint {
		return this.#buffer.readBigUInt64BE(this.#take(8));
	}

	time(): bigint {
		return this.u64() - earliest;
	}

	/** A view on the message, not a copy. */
	bytes(limit: number): Buffer {
		const length = this.u32();
		if (length > limit) throw wireError(`a value of ${length} bytes where at most ${limit} are allowed`);
		const at = this.#take(length);
		return this.#buffer.subarray(at, at + length);
	}

	text(limit: number): string {
		return this.bytes(limit).toString("utf8");
	}

	/** The message must end here. */
	end(): void {
		if (this.left !== 0) throw wireError(`${this.left} bytes too many in a message`);
	}
}
