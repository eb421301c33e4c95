/** Rows of farm: spec/02 §4, §5. */
import {
	type AttributeRow,
	address,
	count,
	type ElementRow,
	expected,
	milliseconds,
	must,
	none,
	oneOf,
	onOff,
	port,
	row,
	seconds,
	unit,
	word,
} from "./rows.ts";

const addresses = ["10.0.0.1", "fe80::1", "www.example.org"];
const mac = expected(() => "a MAC address of one machine such as 5a-fe-c0-a8-38-14");
const mask = expected(() => "an IPv4 mask such as 255.255.255.0");
const list = "farm:vip/interface_list";
const virtual = `${list}/interface/virtual_interface`;
const real = `${list}/interface/real_interface`;
const group = "farm:vip/loadbalancing_list/group";

export const farmElement: readonly ElementRow[] = [
	["farm:farm", "1", "<service> has no <farm>"],
	["farm:farm/lan", "1..n", "<farm> has no <lan>"],
	["farm:farm/lan/node", "0..n", "<node> is not known inside <safe>"],
	["farm:vip", "0..1", "<vip> stands more than once in <service>"],
	[list, "1..n", "<vip> has no <interface_list>"],
	[`${list}/interface`, "1..n", "<interface_list> has no <interface>"],
	[virtual, "0..n", "<virtual_interface> is not known inside <safe>"],
	[`${virtual}/virtual_addr`, "1..n", "<virtual_interface> has no <virtual_addr>"],
	[real, "0..n", "<real_interface> is not known inside <safe>"],
	[`${real}/virtual_addr`, "1..n", "<real_interface> has no <virtual_addr>"],
	["farm:vip/loadbalancing_list", "0..1", "<loadbalancing_list> stands more than once in <vip>"],
	[group, "1..n", "<loadbalancing_list> has no <group>"],
	[`${group}/cluster`, "0..1", "<cluster> stands more than once in <group>"],
	[`${group}/cluster/host`, "1..n", "<cluster> has no <host>"],
	[`${group}/rule`, "1..n", "<group> has no <rule>"],
];

const virtualAddr = (at: string): AttributeRow[] => [
	row(`${at}@addr`, must, "", addresses, "10.0.0.256", address),
	row(`${at}@where`, "alias", "", ["alias"], "one_side", oneOf("alias")),
	row(`${at}@check`, "on", "", ["on", "off"], "yes", onOff),
	row(`${at}@connections`, "off", "", ["on", "off"], "1", onOff),
	row(`${at}@netmask`, none, "", ["255.255.0.0"], "24", mask),
];

export const farmAttribute: readonly AttributeRow[] = [
	// §4
	row("farm:farm@port", none, "", ["4803"], "0", port),
	row("farm:farm@pulse", "100ms", "", ["100", "1s"], "1", milliseconds(10)),
	row("farm:farm@mlost_count", "20", "", ["20", "80"], "2000ms", count),
	row("farm:farm@slost_count", "10", "", ["10", "40"], "-1", count),
	row("farm:farm/lan@name", none, "", ["default"], "a b", word),
	row("farm:farm/lan/node@name", must, "", ["node1"], "node 1", word),
	row("farm:farm/lan/node@addr", must, "", addresses, "10.0.0", address),
	// §5
	row("farm:vip@tcpreset", "on", "", ["on", "off"], "yes", onOff),
	row("farm:vip@scriptcontrol", "off", "", ["on", "off"], "yes", onOff),
	row(`${list}/interface@check`, "on", "", ["on", "off"], "yes", onOff),
	row(`${list}/interface@arpreroute`, "off", "", ["on", "off"], "yes", onOff),
	row(`${list}/interface@arpinterval`, "60s", "", ["5", "60"], "0", seconds(1)),
	row(`${list}/interface@arpelapse`, "1200s", "", ["10", "60"], "100ms", unit("s")),
	row(`${list}/interface@name`, none, "", ["eth0"], "", (name) => `the attribute ${name} is blank`),
	row(
		`${virtual}@type`,
		must,
		"",
		["vmac_directed", "vmac_invisible"],
		"vmac",
		oneOf("vmac_directed", "vmac_invisible"),
	),
	row(`${virtual}@addr`, none, "", ["5a-fe-c0-a8-38-14"], "5a-fe-c0-a8-38", mac),
	...virtualAddr(`${virtual}/virtual_addr`),
	...virtualAddr(`${real}/virtual_addr`),
	row(`${group}@name`, must, "", ["FarmProto"], "Farm Proto", word),
	row(`${group}/cluster/host@name`, must, "", ["node1"], "node 1", word),
	row(`${group}/cluster/host@power`, must, "", ["0", "1", "64", "4096"], "1.5", count),
	row(
		`${group}/rule@virtual_addr`,
		"*",
		"",
		["*", ...addresses],
		"**",
		expected(() => "an IP address or a host name, or *"),
	),
	row(
		`${group}/rule@port`,
		"*",
		"",
		["*", "80"],
		"http",
		expected(() => "a whole number between 1 and 65535, or *"),
	),
	row(`${group}/rule@proto`, must, "", ["tcp", "udp", "arp"], "icmp", oneOf("tcp", "udp", "arp")),
	row(
		`${group}/rule@filter`,
		must,
		"",
		["on_addr", "on_port", "on_ipid"],
		"on_adr",
		oneOf("on_addr", "on_port", "on_ipid"),
	),
];
