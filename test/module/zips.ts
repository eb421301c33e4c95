/** Makes zips that no packer would make. */
import { crc32, deflateRawSync } from "node:zlib";

export interface RawEntry {
	name: string | Buffer;
	content?: string | Buffer;
	/** POSIX mode with its type bits. */
	mode?: number;
	/** Instead of the true size. */
	declaredSize?: number;
	flags?: number;
	method?: number;
}

export const userconfig = '<safe><service mode="mirror"><heart><heartbeat name="default"/></heart></service></safe>';
export const goodEntry: RawEntry = { name: "conf/userconfig.xml", content: userconfig };

export function rawZip(entries: RawEntry[], options: { declaredCount?: number } = {}): Buffer {
	const locals: Buffer[] = [];
	const centrals: Buffer[] = [];
	let offset = 0;
	for (const entry of entries) {
		const name = Buffer.isBuffer(entry.name) ? entry.name : Buffer.from(entry.name);
		const content = Buffer.from(entry.content ?? "");
		const data = deflateRawSync(content);
		const common = Buffer.alloc(26);
		common.writeUInt16LE(20, 0);
		common.writeUInt16LE(entry.flags ?? 0, 2);
		common.writeUInt16LE(entry.method ?? 8, 4);
		common.writeUInt32LE(crc32(content), 10);
		common.writeUInt32LE(data.length, 14);
		common.writeUInt32LE(entry.declaredSize ?? content.length, 18);
		common.writeUInt16LE(name.length, 22);
		const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, name, data]);
		const tail = Buffer.alloc(14);
		tail.writeUInt32LE(((entry.mode ?? 0) << 16) >>> 0, 6);
		tail.writeUInt32LE(offset, 10);
		centrals.push(Buffer.concat([Buffer.from("PK\x01\x02\x1e\x03"), common, tail, name]));
		locals.push(local);
		offset += local.length;
	}
	const directory = Buffer.concat(centrals);
	const end = Buffer.alloc(22);
	end.write("PK\x05\x06", "latin1");
	const count = options.declaredCount ?? entries.length;
	end.writeUInt16LE(Math.min(count, 0xffff), 8);
	end.writeUInt16LE(Math.min(count, 0xffff), 10);
	end.writeUInt32LE(directory.length, 12);
	end.writeUInt32LE(offset, 16);
	return Buffer.concat([...locals, directory, end]);
}
