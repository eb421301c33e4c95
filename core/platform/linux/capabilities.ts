/** Whether the calling thread stands above the quotas of a disk, as root does, or is held to them as users are. */
import { native, orErrno } from "./native.ts";

/** _LINUX_CAPABILITY_VERSION_3: two words for each of the three sets. */
const version = 0x20080522;
const resourceBit = 1 << 24;
const effectiveAt = 0;

const calls = {
	get: native("int capget(void *, void *)"),
	set: native("int capset(void *, const void *)"),
};

/** Of the calling thread alone, as all of capabilities. */
const header = Buffer.alloc(8);
header.writeUInt32LE(version, 0);
const sets = Buffer.alloc(24);
/** What it holds without the limit; null until it was asked for, 0 where there is nothing to give up. */
let effective: number | null = null;

function had(): number {
	const got = orErrno(calls.get(header, sets));
	const now = got < 0 ? 0 : sets.readUInt32LE(effectiveAt);
	return (now & resourceBit) === 0 ? 0 : now;
}

/** CAP_SYS_RESOURCE, which ignores quotas, given up and taken back for the calling thread. 0, or −errno. */
export function obeyQuotas(obey: boolean): number {
	effective ??= had();
	if (effective === 0) return 0;
	sets.writeUInt32LE((obey ? effective & ~resourceBit : effective) >>> 0, effectiveAt);
	return orErrno(calls.set(header, sets));
}
