/** The elements of `<service mode="mirror">` beside the common ones: spec/02 §3, §5, §6 and spec/06 §2. */
import {
	type AttributeDeclaration,
	address,
	choice,
	count,
	type ElementDeclaration,
	interfaceList,
	onOff,
	port,
	text,
	time,
	vipAttributes,
	word,
} from "../../sdk/index.ts";

/** What the existing product needs and this one does not. */
function unneeded(type: AttributeDeclaration["type"], preset: string | undefined, doc: string, because: string) {
	return { type, doc, carried: "unneeded", because, ...(preset === undefined ? {} : { default: preset }) } as const;
}

const beat: Readonly<Record<string, AttributeDeclaration>> = {
	pulse: { type: time("ms", { min: 10 }), dyn: true, doc: "Time between two pulses." },
	timeout: { type: time("ms", { min: 20 }), dyn: true, doc: "Silence after which the other server counts as lost." },
};

const heart: ElementDeclaration = {
	name: "heart",
	doc: "Heartbeats between the two servers.",
	min: 1,
	max: 1,
	attributes: {
		port: { type: port, dyn: true, doc: "UDP port of all heartbeats; by default 8888 for the first module." },
		pulse: { ...beat.pulse, default: "700ms" } as AttributeDeclaration,
		timeout: { ...beat.timeout, default: "30000ms" } as AttributeDeclaration,
		permanent_arp: {
			...unneeded(onOff, "on", "Pin the ARP entries of the peers.", "the pulses keep the entries fresh"),
			dyn: true,
		},
	},
	children: [
		{
			name: "heartbeat",
			doc: "One network on which pulses travel.",
			unique: "ident",
			min: 1,
			attributes: {
				name: { type: word, dyn: true, doc: "Name of a lan in cluster.xml." },
				ident: {
					type: word,
					dyn: true,
					doc: "The resource is heartbeat.<ident>; `flow`: replication uses this network.",
				},
				...beat,
			},
			children: [
				{
					name: "server",
					doc: "Address of a peer.",
					carried: "legacy",
					instead: 'name the lan, as in <heartbeat name="default"/>, and describe its nodes in cluster.xml',
					attributes: { addr: { type: address, required: true, dyn: true, doc: "Address of a peer." } },
				},
			],
		},
	],
};

const vip: ElementDeclaration = {
	name: "vip",
	doc: "Virtual addresses, set where the primary is.",
	max: 1,
	attributes: vipAttributes,
	children: [
		interfaceList({
			where: {
				type: choice("one_side_alias", "one_side"),
				default: "one_side_alias",
				doc: "one_side: outgoing connections use the address too.",
			},
			shared: {
				doc: "The interface under a MAC address of its own, which clients keep when the primary changes.",
				type: { type: choice("vmac_invisible"), required: true, doc: "How frames reach the primary." },
				where: { type: choice("one_side_alias"), default: "one_side_alias", doc: "Set where the primary is." },
			},
		}),
	],
};

const replicated: ElementDeclaration = {
	name: "replicated",
	doc: "One replicated directory.",
	min: 1,
	attributes: {
		dir: { type: { is: "directory" }, required: true, doc: "Absolute path, the same on both servers." },
		mode: { type: choice("read_only"), default: "read_only", doc: "What the secondary may do with it." },
	},
	children: [
		{
			name: "tocheck",
			doc: "Something that must exist before replication starts.",
			attributes: { path: { type: { is: "relative" }, required: true, doc: "Path below the directory." } },
		},
		{
			name: "notreplicated",
			doc: "Something that stays on its server.",
			exactlyOne: ["path", "regexpath"],
			attributes: {
				path: { type: { is: "relative" }, doc: "Path below the directory." },
				regexpath: { type: { is: "regex" }, doc: "POSIX ERE on names; a leading ! inverts." },
			},
		},
	],
};

const rfs: ElementDeclaration = {
	name: "rfs",
	doc: "Replication of directories from the primary to the secondary.",
	max: 1,
	attributes: {
		async: {
			type: choice("second", "none"),
			default: "second",
			dyn: true,
			doc: "none: a write is acknowledged after both disks have it.",
		},
		iotimeout: { type: time("s", { min: 1 }), default: "300s", doc: "Longest wait for a replicated change." },
		locktimeout: { type: time("s", { min: 1 }), default: "100s", doc: "Longest wait for the peer's answer." },
		sendtimeout: { type: time("s", { min: 1 }), default: "30s", doc: "Longest wait for the link to take data." },
		nbrei: {
			type: { is: "integer", min: 1, max: 64 },
			default: "6",
			dyn: true,
			doc: "Files in resynchronisation at a time.",
		},
		reiallowedbw: { type: { is: "integer", min: 1, max: 100_000_000 }, doc: "Limit of resynchronisation, in KB/s." },
		scripts: { type: onOff, default: "off", doc: "Call _rfs_callback." },
		syncdelta: {
			type: time("m", { maxMs: 365 * 86_400_000 }),
			default: "0m",
			doc: "Age of the last synchronisation up to which a stale server may become primary.",
		},
		syncat: {
			type: text,
			doc: "Times at which the secondary is synchronised, in the syntax of crontab; without it, always.",
		},
		acl: { type: onOff, default: "off", doc: "Replicate access control lists." },
		roflags: unneeded(
			{ is: "pattern", pattern: "0[xX][0-9A-Fa-f]{1,8}|[0-9]{1,10}", expected: "a number such as 0x10" },
			"0x10",
			"What happens when somebody writes on the secondary (Windows); 0x10000 stops it.",
			"nobody can write on the secondary",
		),
		packetsize: unneeded(count, undefined, "Size of a packet in bytes.", "replication does not go through NFS"),
		reipacketsize: unneeded(
			count,
			"8388608",
			"Size of a packet of resynchronisation in bytes.",
			"replication does not go through NFS",
		),
		ruzone_blocksize: unneeded(
			count,
			"8388608",
			"Size of a tracked zone in bytes, a multiple of reipacketsize.",
			"what differs is tracked exactly",
		),
		namespacepolicy: unneeded(
			choice("0", "1", "3", "4"),
			"4",
			"How changes while stopped are found.",
			"such changes are always found",
		),
		reitimeout: {
			type: time("s", { min: 1 }),
			default: "150s",
			dyn: true,
			doc: "Longest wait for the answer to a request of resynchronisation, which then begins again.",
		},
		reicommit: unneeded(count, "0", "Packets between two syncs.", "replication does not go through NFS"),
		reidetail: {
			type: onOff,
			default: "off",
			dyn: true,
			doc: "Log each directory and file of a resynchronisation.",
		},
		allocthreshold: unneeded(
			count,
			"0",
			"Size in GB from which files are allocated at once (Windows); 0: never.",
			"files are as sparse on the secondary as on the primary",
		),
		nbremconn: {
			type: { is: "integer", min: 1, max: 16 },
			default: "1",
			doc: "TCP connections to the peer; more for long ways.",
		},
		checktime: {
			type: time("ms", { min: 1 }),
			default: "220000ms",
			doc: "Time within which the replicated directories have to answer; otherwise the module stops and starts.",
		},
		checkintv: { type: time("s", { min: 1 }), default: "120s", doc: "Time between two such questions." },
		nfsbox_options: unneeded(
			choice("cross", "nocross"),
			"cross",
			"Whether junctions are followed (Windows).",
			"Linux has no junctions",
		),
		mountoversuffix: unneeded(text, undefined, "Suffix of a renamed directory.", "the directory keeps its name"),
		mountover: unneeded(onOff, undefined, "How the directory is caught (before 8.2).", "the directory keeps its name"),
	},
	children: [
		{
			name: "flow",
			doc: "The network that carries the replication.",
			max: 1,
			carried: "legacy",
			instead: 'give that network\'s heartbeat the ident "flow"',
			attributes: { name: { type: word, dyn: true, doc: "Name of a lan in cluster.xml." } },
			children: [
				{
					name: "server",
					doc: "Address of a peer.",
					attributes: { addr: { type: address, required: true, dyn: true, doc: "Address of a peer." } },
				},
			],
		},
		replicated,
	],
};

export const mirrorElements: readonly ElementDeclaration[] = [heart, vip, rfs];
