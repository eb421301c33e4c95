/** Raw Ethernet frames on one interface (AF_PACKET), which Node does not offer. Needs CAP_NET_RAW. */
import koffi from "koffi";
import { native, orErrno } from "./native.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const MSG_DONTWAIT = 0x40;

const c = {
	socket: native("int socket(int, int, int)"),
	bind: native("int bind(int, const void *, uint32_t)"),
	send: native("int64_t send(int, const void *, uint64_t, int)"),
	recv: native("int64_t recv(int, void *, uint64_t, int)"),
	setsockopt: native("int setsockopt(int, int, int, const void *, uint32_t)"),
	close: native("int close(int)"),
};

/** One instruction of a classic BPF program. */
type Instruction = [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** Lets only neighbour advertisements in: a busy interface must not fill the queue. */
const neighbourFilter: Instruction[] = [
	[0x30, 0, 0, 20],
	[0x15, 0, 3, 58],
	[0x30, 0, 0, 54],
	[0x15, 0, 1, 136],
	[0x06, 0, 0, 256],
	[0x06, 0, 0, 0],
];

export class PacketSocket {
	readonly #fd: number;
	readonly #buffer = Buffer.alloc(256);

	/** `type` is an EtherType; of IPv6 only neighbour advertisements are received. Throws with the errno. */
	constructor(index: number, type: number) {
		this.#fd = orErrno(c.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
		if (this.#fd < 0) throw systemError("socket", -this.#fd);
		const address = Buffer.alloc(20);
		address.writeUInt16LE(AF_PACKET, 0);
		address.writeUInt16BE(type, 2);
		address.writeInt32LE(index, 4);
		try {
			// Before bind: until then nothing is received, so nothing unwanted can be queued.
			if (type === 0x86dd) this.#filter(neighbourFilter);
			const bound = orErrno(c.bind(this.#fd, address, address.length));
			if (bound < 0) throw systemError("bind", -bound);
		} catch (error) {
			this.close();
			throw error;
		}
	}

	#filter(program: Instruction[]): void {
		const code = Buffer.alloc(program.length * 8);
		for (const [index, [op, jumpTrue, jumpFalse, k]] of program.entries()) {
			code.writeUInt16LE(op, index * 8);
			code.writeUInt8(jumpTrue, index * 8 + 2);
			code.writeUInt8(jumpFalse, index * 8 + 3);
			code.writeUInt32LE(k, index * 8 + 4);
		}
		const header = Buffer.alloc(16);
		header.writeUInt16LE(program.length, 0);
		header.writeBigUInt64LE(BigInt(koffi.address(code)), 8);
		const set = orErrno(c.setsockopt(this.#fd, SOL_SOCKET, SO_ATTACH_FILTER, header, header.length));
		if (set < 0) throw systemError("setsockopt", -set);
	}

	send(frame: Buffer): void {
		const sent = orErrno(c.send(this.#fd, frame, frame.length, MSG_DONTWAIT));
		if (sent < 0) throw systemError("send", -sent);
	}

	/** The next frame that waits, null if none does. Valid until the next call. */
	receive(): Buffer | null {
		const got = c.recv(this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT);
		return got < 0 ? null : this.#buffer.subarray(0, Number(got));
	}

	close(): void {
		c.close(this.#fd);
	}
}

function systemError(call: string, errno: number): Error {
	const name = Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
	return new Error(`${call} of a packet socket failed: ${name}`);
}
