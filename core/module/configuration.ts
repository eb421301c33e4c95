/**
 * The configuration of one module as the services read it: made from userconfig.xml by core/schema and the mode
 * plugin's elements, macros expanded, every default filled in (spec/02). Times in milliseconds. Plain JSON.
 */

import type { CheckerSettings } from "./settings/checkers.ts";
import type { ErrdSettings } from "./settings/errd.ts";
import type { FailoverConfiguration } from "./settings/failover.ts";

export interface ModuleConfiguration {
	module: string;
	/** 1…, the same on all nodes; ports derive from it (spec/05 §1). */
	id: number;
	/** mirror, farm, light, or the mode of a plugin. */
	mode: string;
	boot: "on" | "off" | "auto" | "ignore";
	bootDelayMs: number;
	failover: boolean;
	defaultprim: string;
	maxloop: number;
	loopIntervalMs: number;
	automaticReboot: boolean;
	/** Replication is encrypted. */
	encryption: boolean;
	heart: HeartConfiguration | null;
	/** Membership of a farm; null in other modes. */
	farm: FarmConfiguration | null;
	vip: VipConfiguration | null;
	rfs: RfsConfiguration | null;
	user: UserConfiguration | null;
	splitbrain: { ident: string; addresses: string[] } | null;
	/** Of `<check>`, and the automatic ones of `<vip>`. */
	checkers: CheckerSettings[];
	/** Processes and services that are watched. */
	errd: ErrdSettings | null;
	failoverRules: FailoverConfiguration;
	/** Documented elements that are accepted and kept, but that nothing carries out yet: each was a warning. */
	unsupported: string[];
}

export interface HeartConfiguration {
	/** UDP, 8888 + id − 1 unless set. */
	port: number;
	heartbeats: { ident: string; lan: string; pulseMs: number; timeoutMs: number }[];
}

/** `<farm>` (spec/02 §4). */
export interface FarmConfiguration {
	/** UDP, 4803 + (id − 1) · 3 unless set. */
	port: number;
	pulseMs: number;
	/** Lost pulses after which the leader is gone (`mlost_count`), and a follower (`slost_count`). */
	leaderLost: number;
	followerLost: number;
	lans: string[];
}

export interface VipConfiguration {
	tcpreset: boolean;
	/** Scripts open and close the traffic of a farm. */
	scriptControl: boolean;
	addresses: VirtualAddress[];
	/** Of a farm (spec/02 §5); empty elsewhere. */
	balancing: BalancingGroup[];
}

/** A `<group>` of `<loadbalancing_list>`. */
export interface BalancingGroup {
	name: string;
	/** Weights of `<cluster>`; a node that is not named has weight 1. */
	powers: Record<string, number>;
	rules: BalancingRule[];
}

export interface BalancingRule {
	/** Null: every virtual address of the module. */
	virtualAddr: string | null;
	/** Null: every port. */
	port: number | null;
	proto: "tcp" | "udp" | "arp";
	filter: "on_addr" | "on_port" | "on_ipid";
}

export interface VirtualAddress {
	/** Literal IPv4 or IPv6 address, or a name that resolves to one. */
	addr: string;
	where: "one_side_alias" | "one_side" | "alias";
	/** How all nodes get the frames of the address; null: it is on one node, as in a mirror. */
	shared: SharedInterface | null;
	/** Interface given by name; null: the one that has an address in the same network. */
	interface: string | null;
	/** Dotted IPv4 mask; null: the interface's. */
	netmask: string | null;
	check: boolean;
	interfaceCheck: boolean;
	connections: boolean;
	arpreroute: boolean;
	arpIntervalMs: number;
	arpElapseMs: number;
}

/** `<virtual_interface>`. */
export interface SharedInterface {
	type: "vmac_directed" | "vmac_invisible";
	/** Colons, lower case; null with vmac_directed. By default 5a:fe: and the first virtual address. */
	mac: string | null;
}

export interface RfsConfiguration {
	/** TCP 5600 + (id − 1) · 4. */
	port: number;
	/** lan whose addresses carry the replication: heartbeat ident `flow`, `<flow>`, else the first heartbeat. */
	lan: string;
	async: "second" | "none";
	acl: boolean;
	lockTimeoutMs: number;
	sendTimeoutMs: number;
	ioTimeoutMs: number;
	/** The mounts have to answer within this time, and are asked so often. */
	checkTimeMs: number;
	checkIntervalMs: number;
	syncDeltaMs: number;
	/** Times at which a secondary is synchronized, in the syntax of crontab; null: always. */
	syncAt: string | null;
	nbrei: number;
	/** A request of a resynchronisation that is not answered for so long interrupts it. */
	reiTimeoutMs: number;
	/** Each directory and file of a resynchronisation is told in the log. */
	reiDetail: boolean;
	/** TCP connections to the peer. */
	nbremconn: number;
	/** KB/s, null: unlimited. */
	reiAllowedBandwidth: number | null;
	scripts: boolean;
	directories: ReplicatedDirectory[];
}

export interface ReplicatedDirectory {
	/** Absolute, normalised, without a trailing separator. */
	dir: string;
	/** Paths below `dir` that must exist before replication starts. */
	tocheck: string[];
	/** Relative paths that are not replicated. */
	notReplicatedPaths: string[];
	/** POSIX EREs on entry names; a leading `!` inverts (spec/06 §2). */
	notReplicatedRegexes: string[];
}

export interface UserConfiguration {
	niceStopTimeoutMs: number;
	forceStopTimeoutMs: number;
	logging: boolean;
	userlogSizeKb: number;
	/** In the order of the file. */
	vars: { name: string; value: string }[];
}
