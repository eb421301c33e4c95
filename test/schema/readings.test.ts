import test from "ava";
import { spelled } from "../../core/schema/ipv6.ts";
import { configurationOf, mirror, problemsOf } from "./read.ts";

test("where the documentation contradicts itself, both readings are accepted", (t) => {
	const checked = (inner: string) => {
		const xml = mirror(`<user/>${inner}`);
		return { problems: problemsOf(xml), configuration: configurationOf(xml) };
	};
	const nested = checked('<check><check><ping ident="p"><to addr="10.0.0.1"/></ping></check></check>');
	t.deepEqual(
		nested.problems.map(({ code, severity }) => [code, severity]),
		[["CONFIG_LEGACY", "warning"]],
	);
	t.is(nested.configuration.checkers[0]?.resource, "ping.p");
	const twice = checked(
		'<check><ping ident="p"><to addr="10.0.0.1"/></ping></check><check><ping ident="q"><to addr="10.0.0.1"/></ping></check>',
	);
	t.deepEqual(
		twice.problems.map(({ code, severity }) => [code, severity]),
		[["CONFIG_REPEATED", "warning"]],
	);
	t.is(twice.configuration.checkers.length, 2);
	const swapped = checked('<check><module ident="leader"/></check>');
	t.deepEqual(
		swapped.problems.map(({ code, severity, attribute }) => [code, severity, attribute]),
		[["CONFIG_LEGACY", "warning", "ident"]],
	);
	t.like(swapped.configuration.checkers[0], { kind: "module", name: "leader", resource: "module.leader" });
	t.like(problemsOf(mirror("<check><module/></check>"))[0], {
		code: "CONFIG_MISSING",
		attribute: "name",
		severity: "error",
	});
	const braces = checked('<errd><proc name="ora" class="prim" argregex="{.*SID.*}"/></errd>');
	t.like(braces.problems[0], { code: "CONFIG_LEGACY", attribute: "argregex", remedy: "It is read as (.*SID.*)." });
	t.is(braces.configuration.errd?.procs[0]?.argRegex, "(.*SID.*)");
	const before = `<macro name="V" value="x"/>${mirror('<user><var name="A" value="%V%"/></user>')}`;
	t.like(problemsOf(before)[0], { code: "CONFIG_LEGACY", severity: "warning" });
	t.is(configurationOf(before).user?.vars[0]?.value, "x");
});

test("farm rules that contradict themselves are refused", (t) => {
	const farm = (rule: string, type = "vmac_directed"): string =>
		`<safe><service mode="farm"><farm><lan name="default"/></farm><vip><interface_list><interface><virtual_interface type="${type}"><virtual_addr addr="10.0.0.1"/></virtual_interface></interface></interface_list><loadbalancing_list><group name="W"><rule ${rule}/></group></loadbalancing_list></vip></service></safe>`;
	const errors = (xml: string) =>
		problemsOf(xml)
			.filter(({ severity }) => severity === "error")
			.map(({ code, attribute }) => [code, attribute]);
	t.deepEqual(errors(farm('proto="arp" filter="on_addr"')), []);
	t.deepEqual(errors(farm('proto="arp" filter="on_port"')), [["CONFIG_VALUE", "filter"]]);
	t.deepEqual(errors(farm('proto="arp" filter="on_addr"', "vmac_invisible")), [["CONFIG_VALUE", "proto"]]);
	t.deepEqual(errors(farm('proto="tcp" filter="on_ipid"')), [["CONFIG_VALUE", "filter"]]);
	t.deepEqual(errors(farm('proto="tcp" filter="on_port" virtual_addr="10.0.0.2"')), [["CONFIG_VALUE", "virtual_addr"]]);
	t.deepEqual(errors(farm('proto="tcp" filter="on_port"').replace("10.0.0.1", "")), [["CONFIG_BLANK", "addr"]]);
	t.deepEqual(errors(farm('proto="tcp" filter="on_port"').replace(' name="default"', "")), [
		["CONFIG_MISSING", "name"],
	]);
	const legacy = '<lan><node name="n1" addr="10.0.0.2"/></lan>';
	t.deepEqual(errors(farm('proto="tcp" filter="on_port"').replace('<lan name="default"/>', legacy)), []);
	const both = legacy.replace("<lan>", '<lan name="default">');
	t.deepEqual(errors(farm('proto="tcp" filter="on_port"').replace('<lan name="default"/>', both)), [
		["CONFIG_REPEATED", undefined],
	]);
});

test("an IPv6 address is what the kernel calls it, however it was written", (t) => {
	const vip = (addr: string): string =>
		mirror(
			`<vip><interface_list><interface><real_interface><virtual_addr addr="${addr}"/></real_interface></interface></interface_list></vip><check><ping ident="p"><to addr="${addr}"/></ping></check>`,
		);
	for (const text of ["FD09:0::50", "[fd09::0:50]", "fd09:0:0:0:0:0:0:50"]) {
		const { vip: read, checkers } = configurationOf(vip(text));
		t.is(read?.addresses[0]?.addr, "fd09::50");
		t.like(checkers[0], { addr: "fd09::50" });
	}
	t.is(spelled("FE80::0:1%eth0"), "fe80::1%eth0");
	t.is(spelled("10.0.0.1"), "10.0.0.1");
	t.is(spelled("Name.Example"), "Name.Example");
});
