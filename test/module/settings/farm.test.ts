import test from "ava";
import { needsStop } from "../../../core/module/changes.ts";
import { defaultMac } from "../../../core/module/settings/vip.ts";
import { writeSafeconf } from "../../../core/schema/safeconf.ts";
import { readUserconfig } from "../../../core/schema/userconfig.ts";
import { bytes, configurationOf, mirror, problemsOf } from "../../schema/read.ts";
import { schema } from "../place.ts";

test("a farm is read whole", (t) => {
	const virtual = (type: string, addr: string, mac = ""): string =>
		`<interface arpreroute="on"><virtual_interface type="${type}"${mac}><virtual_addr addr="${addr}" where="alias"/></virtual_interface></interface>`;
	const farm = `<safe><service mode="farm"><farm pulse="50" mlost_count="3"><lan name="default"/></farm><vip scriptcontrol="on"><interface_list>${virtual("vmac_directed", "10.0.0.1")}${virtual("vmac_invisible", "10.0.0.20")}${virtual("vmac_invisible", "10.0.0.3", ' addr="5A-FE-00-00-00-01"')}</interface_list><loadbalancing_list><group name="W"><cluster><host name="n1" power="64"/></cluster><rule port="80" proto="tcp" filter="on_addr"/><rule virtual_addr="10.0.0.1" proto="udp" filter="on_ipid"/></group></loadbalancing_list></vip></service></safe>`;
	const read = configurationOf(farm, 2);
	t.deepEqual(problemsOf(farm), []);
	t.deepEqual(read.unsupported, []);
	t.deepEqual(read.farm, { port: 4806, pulseMs: 50, leaderLost: 3, followerLost: 10, lans: ["default"] });
	t.true(read.vip?.scriptControl);
	t.deepEqual(
		read.vip?.addresses.map(({ addr, where, shared }) => [addr, where, shared?.type, shared?.mac]),
		[
			["10.0.0.1", "alias", "vmac_directed", null],
			["10.0.0.20", "alias", "vmac_invisible", "5a:fe:0a:00:00:14"],
			["10.0.0.3", "alias", "vmac_invisible", "5a:fe:00:00:00:01"],
		],
	);
	t.deepEqual(read.vip?.balancing, [
		{
			name: "W",
			powers: { n1: 64 },
			rules: [
				{ virtualAddr: null, port: 80, proto: "tcp", filter: "on_addr" },
				{ virtualAddr: "10.0.0.1", port: null, proto: "udp", filter: "on_ipid" },
			],
		},
	]);
	t.deepEqual(
		read.checkers.filter(({ kind }) => kind === "ip").map(({ resource, when }) => [resource, when]),
		["1", "20", "3"].map((last) => [`ip.10.0.0.${last}`, "both"]),
	);
	t.like(problemsOf(farm.replace("on_addr", "on_adr"))[0], {
		code: "CONFIG_VALUE",
		element: "rule",
		attribute: "filter",
	});
	t.like(problemsOf(farm.replace('mlost_count="3"', 'mlost_count="1"'))[0], { attribute: "mlost_count", found: "1" });
	t.like(problemsOf(farm.replace('pulse="50"', 'pulse="1h"'))[0], { code: "CONFIG_VALUE", attribute: "mlost_count" });
	t.like(problemsOf(mirror("<farm/>"))[0], { code: "CONFIG_UNKNOWN_ELEMENT", expected: "mode farm" });
});

test("the shared MAC address of an address that is no IPv4 one is the same on every node", (t) => {
	t.is(defaultMac("192.168.56.20"), "5a:fe:c0:a8:38:14");
	t.is(defaultMac("fd00::10"), defaultMac("FD00:0:0:0:0:0:0:10"));
	t.not(defaultMac("fd00::10"), defaultMac("fd01::10"));
	t.is(defaultMac("WWW.example.org"), defaultMac("www.example.org"));
	t.regex(defaultMac("www.example.org"), /^5a:fe(:[0-9a-f]{2}){4}$/);
});

test("what the servers of a farm agree on changes only while the module is stopped", (t) => {
	const farm = `<safe><service mode="farm" maxloop="3"><farm><lan name="default"/></farm><vip><interface_list><interface><virtual_interface type="vmac_directed"><virtual_addr addr="10.0.0.1"/></virtual_interface></interface></interface_list><loadbalancing_list><group name="W"><cluster><host name="n1" power="1"/></cluster><rule port="80" proto="tcp" filter="on_addr"/></group></loadbalancing_list></vip><user/></service></safe>`;
	const read = (xml: string) => {
		const found = readUserconfig(bytes(xml), { file: "u.xml", schema, environment: {}, purpose: "config" });
		if ("problems" in found) throw new Error(JSON.stringify(found.problems));
		return found;
	};
	const changed = (from: string, to: string): string[] =>
		needsStop(Buffer.from(writeSafeconf(read(farm).safe)), read(farm.replace(from, to)), schema);
	t.deepEqual(changed('maxloop="3"', 'maxloop="5"'), []);
	t.deepEqual(changed('port="80"', 'port="81"'), ["vip/loadbalancing_list/group[W]/rule@port: 80 → 81"]);
	t.deepEqual(changed('power="1"', 'power="2"'), ["vip/loadbalancing_list/group[W]/cluster/host[n1]@power: 1 → 2"]);
	t.deepEqual(changed("<farm>", '<farm pulse="200">'), ["farm@pulse: 100ms → 200"]);
});
