/** Rows of mirror: spec/02 §3, §5, §6 with spec/06 §2. */
import {
	type AttributeRow,
	address,
	between,
	blank,
	count,
	type ElementRow,
	expected,
	form,
	milliseconds,
	must,
	none,
	oneOf,
	onOff,
	port,
	regex,
	row,
	seconds,
	unit,
	word,
} from "./rows.ts";

const addresses = ["10.0.0.1", "fe80::1", "db.example.org"];
const mac = expected(() => "a MAC address of one machine such as 5a-fe-c0-a8-38-14");
const mask = expected(() => "an IPv4 mask such as 255.255.255.0");
const below = expected(() => "a path below the replicated directory");
const interfacePath = "mirror:vip/interface_list/interface";
const real = `${interfacePath}/real_interface/virtual_addr`;
const virtual = `${interfacePath}/virtual_interface`;

export const mirrorElement: readonly ElementRow[] = [
	["mirror:heart", "1", "<service> has no <heart>"],
	["mirror:heart/heartbeat", "1..n", "<heart> has no <heartbeat>"],
	["mirror:heart/heartbeat/server", "0..n", "<server> is not known inside <safe>"],
	["mirror:vip", "0..1", "<vip> stands more than once in <service>"],
	["mirror:vip/interface_list", "1..n", "<vip> has no <interface_list>"],
	[interfacePath, "1..n", "<interface_list> has no <interface>"],
	[`${interfacePath}/real_interface`, "0..n", "<real_interface> is not known inside <safe>"],
	[real, "1..n", "<real_interface> has no <virtual_addr>"],
	[virtual, "0..n", "<virtual_interface> is not known inside <safe>"],
	[`${virtual}/virtual_addr`, "1..n", "<virtual_interface> has no <virtual_addr>"],
	["mirror:rfs", "0..1", "<rfs> stands more than once in <service>"],
	["mirror:rfs/flow", "0..1", "<flow> stands more than once in <rfs>"],
	["mirror:rfs/flow/server", "0..n", "<server> is not known inside <safe>"],
	["mirror:rfs/replicated", "1..n", "<rfs> has no <replicated>"],
	["mirror:rfs/replicated/tocheck", "0..n", "<tocheck> is not known inside <safe>"],
	["mirror:rfs/replicated/notreplicated", "0..n", "<notreplicated> is not known inside <safe>"],
];

const virtualAddr = (at: string, where: string[]): AttributeRow[] => [
	row(`${at}@addr`, must, "", addresses, "10.0.0.256", address),
	row(`${at}@where`, "one_side_alias", "", where, "alias", oneOf(...where)),
	row(`${at}@check`, "on", "", ["on", "off"], "yes", onOff),
	row(`${at}@connections`, "off", "", ["on", "off"], "1", onOff),
	row(`${at}@netmask`, none, "", ["255.255.255.0", "255.255.255.255"], "255.0.255.0", mask),
];

export const mirrorAttribute: readonly AttributeRow[] = [
	// §3
	row("mirror:heart@port", none, "dyn", ["8888"], "88888", port),
	row("mirror:heart@pulse", "700ms", "dyn", ["700", "1s"], "5", milliseconds(10)),
	row("mirror:heart@timeout", "30000ms", "dyn", ["30000", "30s"], "30 s.", form("ms")),
	row("mirror:heart@permanent_arp", "on", "dyn", ["on", "off"], "yes", onOff),
	row("mirror:heart/heartbeat@name", none, "dyn", ["default"], "lan 1", word),
	row("mirror:heart/heartbeat@ident", none, "dyn", ["flow", "net1"], "a b", word),
	row("mirror:heart/heartbeat@pulse", none, "dyn", ["700", "1s"], "400us", unit("ms")),
	row("mirror:heart/heartbeat@timeout", none, "dyn", ["30000"], "1", milliseconds(20)),
	row("mirror:heart/heartbeat/server@addr", must, "dyn", addresses, "10.0.0", address),
	// §5
	row("mirror:vip@tcpreset", "on", "", ["on", "off"], "yes", onOff),
	row(`${interfacePath}@check`, "on", "", ["on", "off"], "yes", onOff),
	row(`${interfacePath}@arpreroute`, "off", "", ["on", "off"], "yes", onOff),
	row(`${interfacePath}@arpinterval`, "60s", "", ["60", "1m"], "0", seconds(1)),
	row(`${interfacePath}@arpelapse`, "1200s", "", ["0", "10", "20m"], "100ms", unit("s")),
	row(`${interfacePath}@name`, none, "", ["eth0", "Local Area Connection"], "", blank),
	...virtualAddr(real, ["one_side_alias", "one_side"]),
	row(`${virtual}@type`, must, "", ["vmac_invisible"], "vmac_directed", oneOf("vmac_invisible")),
	row(`${virtual}@addr`, none, "", ["5a-fe-c0-a8-38-14", "5A:FE:C0:A8:38:14"], "01-00-5e-00-00-01", mac),
	...virtualAddr(`${virtual}/virtual_addr`, ["one_side_alias"]),
	// §6 and spec/06 §2
	row("mirror:rfs@mountoversuffix", none, "", ["_For_SafeKit_Replication"], "", blank),
	row("mirror:rfs@mountover", none, "", ["off", "on"], "no", onOff),
	row("mirror:rfs@acl", "off", "", ["on", "off"], "yes", onOff),
	row("mirror:rfs@async", "second", "dyn", ["second", "none"], "off", oneOf("second", "none")),
	row("mirror:rfs@packetsize", none, "", ["65536"], "64k", count),
	row("mirror:rfs@reipacketsize", "8388608", "", ["8388608"], "8M", count),
	row("mirror:rfs@ruzone_blocksize", "8388608", "", ["8388608"], "-1", count),
	row("mirror:rfs@iotimeout", "300s", "", ["120", "300s"], "0", seconds(1)),
	row(
		"mirror:rfs@roflags",
		"0x10",
		"",
		["0x10", "0x10000", "16"],
		"stop",
		expected(() => "a number such as 0x10"),
	),
	row("mirror:rfs@locktimeout", "100s", "", ["200", "100s"], "100ms", unit("s")),
	row("mirror:rfs@sendtimeout", "30s", "", ["30"], "0", seconds(1)),
	row("mirror:rfs@nbrei", "6", "dyn", ["1", "3", "6"], "0", between(1, 64)),
	row("mirror:rfs@namespacepolicy", "4", "", ["0", "1", "3", "4"], "5", oneOf("0", "1", "3", "4")),
	row("mirror:rfs@reitimeout", "150s", "dyn", ["150", "3m"], "0", seconds(1)),
	row("mirror:rfs@reicommit", "0", "", ["0", "4"], "on", count),
	row("mirror:rfs@reidetail", "off", "dyn", ["on", "off"], "1", onOff),
	row("mirror:rfs@allocthreshold", "0", "", ["0", "10"], "10GB", count),
	row("mirror:rfs@nbremconn", "1", "", ["1", "4"], "17", between(1, 16)),
	row("mirror:rfs@checktime", "220000ms", "", ["220000", "220s"], "0", milliseconds(1)),
	row("mirror:rfs@checkintv", "120s", "", ["120", "2m"], "10ms", unit("s")),
	row("mirror:rfs@nfsbox_options", "cross", "", ["cross", "nocross"], "none", oneOf("cross", "nocross")),
	row("mirror:rfs@scripts", "off", "", ["on", "off"], "yes", onOff),
	row("mirror:rfs@reiallowedbw", none, "", ["1", "20000"], "20 MB/s", between(1, 100_000_000)),
	row("mirror:rfs@syncdelta", "0m", "", ["0", "1", "60", "1d"], "29s", unit("m")),
	row("mirror:rfs@syncat", none, "", ["01 0 * * *"], "", blank),
	row("mirror:rfs/flow@name", none, "dyn", ["default"], "a b", word),
	row("mirror:rfs/flow/server@addr", must, "dyn", addresses, "a b", address),
	row(
		"mirror:rfs/replicated@dir",
		must,
		"",
		["/var/lib/mysql", "/a b/c/", "C:\\Program Files\\x\\"],
		"var/lib",
		expected(() => "an absolute directory"),
	),
	row("mirror:rfs/replicated@mode", "read_only", "", ["read_only"], "read_write", oneOf("read_only")),
	row("mirror:rfs/replicated/tocheck@path", must, "", ["data/file"], "/etc", below),
	row("mirror:rfs/replicated/notreplicated@path", none, "", ["log", "a\\b"], "../x", below),
	row("mirror:rfs/replicated/notreplicated@regexpath", none, "", [".*\\.tmp$", "!.*\\.db$"], "*.tmp(", regex),
];
