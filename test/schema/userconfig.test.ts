import test from "ava";
import type { Problem } from "../../core/errors.ts";
import { problemAsText } from "../../core/log/errorTexts.ts";
import { inspect } from "../../core/module/inspect.ts";
import { writeSafeconf } from "../../core/schema/safeconf.ts";
import { readUserconfig } from "../../core/schema/userconfig.ts";
import { schema } from "../module/place.ts";
import { bytes, configurationOf, heart, mirror, problemsOf } from "./read.ts";

test("the documented message of a time in a wrong unit, with its place", (t) => {
	const [problem] = problemsOf(`<safe>\n <service mode="mirror"\n  boot_delay="500ms">${heart}</service></safe>`);
	t.deepEqual(
		{ ...problem },
		{
			code: "CONFIG_TIME_UNIT",
			severity: "error",
			message: "invalid value '500ms' for the attribute boot_delay (expected time unit: 's')",
			file: "u.xml",
			line: 3,
			column: 3,
			element: "service",
			attribute: "boot_delay",
			found: "500ms",
			expected: "time unit: 's'",
			remedy: "Write the time in the expected unit, or without unit.",
		},
	);
	t.is(
		problemAsText(problem as Problem).split("\n")[0],
		"Error: invalid value '500ms' for the attribute boot_delay (expected time unit: 's')",
	);
});

test("everything that is wrong is reported at once", (t) => {
	const found = problemsOf(
		'<safe><service mode="miror" boot="yes"><hart/></service></safe>'
			.replace("miror", "mirror")
			.replace("<hart/>", '<hart/><user><vra name="a"/></user><rfs asinc="none"/>'),
	);
	t.deepEqual(
		found.map(({ code, element, attribute }) => [code, element, attribute]),
		[
			["CONFIG_VALUE", "service", "boot"],
			["CONFIG_UNKNOWN_ELEMENT", "hart", undefined],
			["CONFIG_UNKNOWN_ELEMENT", "vra", undefined],
			["CONFIG_UNKNOWN_ATTRIBUTE", "rfs", "asinc"],
			["CONFIG_MISSING", "rfs", undefined],
			["CONFIG_MISSING", "service", undefined],
		],
	);
	t.is(found[1]?.remedy, "Did you mean <heart>?");
	t.is(found[3]?.remedy, "Did you mean `async`?");
});

test("an unknown mode names the known ones", (t) => {
	const [problem] = problemsOf('<safe><service mode="cluster"/></safe>');
	t.like(problem, {
		code: "CONFIG_VALUE",
		attribute: "mode",
		found: "cluster",
		expected: "mirror, farm, light",
		line: 1,
		column: 16,
	});
	t.like(problemsOf("<safe><service/></safe>")[0], { code: "CONFIG_MISSING", attribute: "mode" });
	t.like(problemsOf("<safe/>")[0], { code: "CONFIG_MISSING", element: "safe" });
	t.like(problemsOf("<cluster/>")[0], { code: "CONFIG_UNKNOWN_ELEMENT", found: "cluster", expected: "safe" });
});

test("defaults of the documentation", (t) => {
	const configuration = configurationOf(
		mirror(
			'<vip><interface_list><interface><real_interface><virtual_addr addr="203.0.113.9"/></real_interface></interface></interface_list></vip><rfs><replicated dir="/data/"/></rfs><user/>',
		),
		3,
	);
	t.deepEqual(configuration, {
		module: "m",
		id: 3,
		mode: "mirror",
		boot: "ignore",
		bootDelayMs: 0,
		failover: true,
		defaultprim: "alone",
		maxloop: 3,
		loopIntervalMs: 86_400_000,
		automaticReboot: false,
		encryption: true,
		heart: {
			port: 8890,
			heartbeats: [{ ident: "default", lan: "default", pulseMs: 700, timeoutMs: 30_000 }],
		},
		farm: null,
		vip: {
			tcpreset: true,
			scriptControl: false,
			balancing: [],
			addresses: [
				{
					addr: "203.0.113.9",
					where: "one_side_alias",
					shared: null,
					interface: null,
					netmask: null,
					check: true,
					interfaceCheck: true,
					connections: false,
					arpreroute: false,
					arpIntervalMs: 60_000,
					arpElapseMs: 1_200_000,
				},
			],
		},
		rfs: {
			port: 5608,
			lan: "default",
			async: "second",
			acl: false,
			lockTimeoutMs: 100_000,
			sendTimeoutMs: 30_000,
			ioTimeoutMs: 300_000,
			checkTimeMs: 220_000,
			checkIntervalMs: 120_000,
			syncDeltaMs: 0,
			syncAt: null,
			nbrei: 6,
			reiTimeoutMs: 150_000,
			reiDetail: false,
			nbremconn: 1,
			reiAllowedBandwidth: null,
			scripts: false,
			directories: [{ dir: "/data", tocheck: [], notReplicatedPaths: [], notReplicatedRegexes: [] }],
		},
		user: { niceStopTimeoutMs: 300_000, forceStopTimeoutMs: 300_000, logging: true, userlogSizeKb: 2048, vars: [] },
		splitbrain: null,
		checkers: [
			{
				kind: "intf",
				ident: "203.0.113.9",
				resource: "intf.203.0.113.9",
				when: "pre",
				action: "wait",
				localAddr: null,
				virtual: { addr: "203.0.113.9", interface: null, netmask: null },
			},
			{
				kind: "ip",
				ident: "203.0.113.9",
				resource: "ip.203.0.113.9",
				when: "prim",
				action: "stopstart",
				addr: "203.0.113.9",
				intervalMs: 10_000,
			},
		],
		errd: null,
		failoverRules: { extends: true, periodMs: 5000, handleTimeMs: 15_000, sections: [] },
		unsupported: [],
	});
});

test("macros first, then the environment; a macro may use earlier ones; capitals count", (t) => {
	const xml = `<safe><macro name="A" value="x"/><macro name="B" value="%A%\\%HOME%"/><service mode="mirror">${heart}<user><var name="V" value="%B%"/></user></service></safe>`;
	t.is(configurationOf(xml, 1, { HOME: "h", A: "no" }).user?.vars[0]?.value, "x\\h");
	t.like(problemsOf(xml.replace("%B%", "%b%"), "config", { HOME: "h" })[0], {
		code: "CONFIG_MACRO",
		element: "var",
		attribute: "value",
		found: "%b%",
	});
	t.like(problemsOf(xml.replace("%B%", "%b%"), "check", { HOME: "h" })[0], { severity: "warning" });
});

test("macros that double cannot take the memory", (t) => {
	const macros = Array.from({ length: 60 }, (_, n) => `<macro name="M${n + 1}" value="%M${n}%%M${n}%"/>`).join("");
	const [problem] = problemsOf(
		`<safe><macro name="M0" value="0123456789"/>${macros}<service mode="mirror">${heart}</service></safe>`,
	);
	t.like(problem, { code: "CONFIG_MACRO", severity: "error", element: "macro" });
});

test("one value that repeats a long macro cannot take the memory", (t) => {
	const xml = `<safe><macro name="A" value="${"x".repeat(60_000)}"/><macro name="B" value="${"%A%".repeat(200_000)}"/><service mode="mirror">${heart}</service></safe>`;
	t.like(problemsOf(xml)[0], { code: "CONFIG_MACRO", severity: "error", attribute: "value" });
});

test("many macros that repeat a long one cannot take the memory", (t) => {
	const macros = `<macro name="B" value="%A%"/>`.repeat(9000);
	const xml = `<safe><macro name="A" value="${"x".repeat(60_000)}"/>${macros}<service mode="mirror">${heart}</service></safe>`;
	t.true(problemsOf(xml).some(({ code, severity }) => code === "CONFIG_MACRO" && severity === "error"));
});

test("the vocabulary of the published virtual machine packages", (t) => {
	const vm = (parent: string, separator: string): string => `<!-- a virtual machine -->
<!DOCTYPE safe>
<safe>
  <macro name="VM_PATH" value="${parent}" /><macro name="VM_NAME" value="vm1"/>
  <service mode="mirror">
    <heart> <heartbeat name="default"> </heartbeat> </heart>
    <rfs scripts="on" acl="on" namespacepolicy="0" allocthreshold="10"> <replicated dir="%VM_PATH%${separator}%VM_NAME%"/> </rfs>
    <check><custom ident="VM1" when="prim" exec="vmcheck.ps1" arg="%VM_NAME%" action="restart"/></check>
    <user><var name="VM_PATH" value="%VM_PATH%${separator}%VM_NAME%"/><var name="NORMAL_STOP" value="stop"/></user>
  </service>
</safe>`;
	for (const [parent, separator, dir] of [
		["D:\\VMs\\", "\\", "D:\\VMs\\vm1"],
		["/var/lib/libvirt/images", "/", "/var/lib/libvirt/images/vm1"],
	] as const) {
		const configuration = configurationOf(vm(parent, separator));
		t.is(configuration.rfs?.directories[0]?.dir, dir);
		t.true(configuration.rfs?.scripts);
		t.deepEqual(configuration.unsupported, []);
		t.true(problemsOf(vm(parent, separator)).every(({ severity }) => severity === "warning"));
	}
});

test("blanks are refused by config and accepted by check", (t) => {
	const blank = mirror(
		'<vip><interface_list><interface><real_interface><virtual_addr addr="%IP%"/></real_interface></interface></interface_list></vip><rfs><replicated dir=""/></rfs>',
	).replace("<safe>", '<safe><macro name="IP" value=""/>');
	t.deepEqual(
		problemsOf(blank).map(({ code, severity, element, attribute }) => [code, severity, element, attribute]),
		[
			["CONFIG_BLANK", "error", "virtual_addr", "addr"],
			["CONFIG_BLANK", "error", "replicated", "dir"],
		],
	);
	t.true(problemsOf(blank, "check").every(({ severity }) => severity === "warning"));
});

test("addresses of a mirror may have a MAC address of their own", (t) => {
	const xml = mirror(
		'<rfs acl="off" nbremconn="4" reitimeout="1" reidetail="on"><replicated dir="/a"/></rfs><vip><interface_list><interface><virtual_interface type="vmac_invisible" addr="5A-5A-5A-5A-5A-5A"><virtual_addr addr="192.0.2.9"/><virtual_addr addr="192.0.2.10"/></virtual_interface></interface><interface><virtual_interface type="vmac_invisible"><virtual_addr addr="192.0.2.11"/></virtual_interface></interface></interface_list></vip><user/><errd><proc name="a"/><proc name="b"/></errd><check><tcp ident="a" when="prim"><to addr="h" port="1"/></tcp><tcp ident="b" when="prim"><to addr="h" port="1"/></tcp></check>',
	);
	t.deepEqual(problemsOf(xml), []);
	const configuration = configurationOf(xml);
	t.deepEqual(configuration.unsupported, []);
	t.deepEqual(
		configuration.vip?.addresses.map(({ addr, where, shared }) => [addr, where, shared?.mac]),
		[
			["192.0.2.9", "one_side_alias", "5a:5a:5a:5a:5a:5a"],
			["192.0.2.10", "one_side_alias", "5a:5a:5a:5a:5a:5a"],
			["192.0.2.11", "one_side_alias", "5a:fe:c0:00:02:0b"],
		],
	);
});

test("files of 7.x are accepted, with warnings where something changed", (t) => {
	const xml = `<!DOCTYPE safe>\r\n<safe><service mode="mirror" defaultprim="alone" maxloop="3" loop_interval="24" failover="on"><heart pulse="700" timeout="30000"><heartbeat><server addr="10.0.0.1"/><server addr="10.0.0.2"/></heartbeat></heart><rfs mountover="off" async="second" acl="off" locktimeout="200" nbrei="3" iotimeout="300"><flow name="repl"/><replicated dir="/a" mode="read_only"/></rfs><vip><interface_list><interface check="off" arpreroute="on"><real_interface><virtual_addr addr="10.0.0.9" where="one_side_alias"/></real_interface></interface></interface_list></vip><user nicestoptimeout="300" forcestoptimeout="300" logging="userlog"/></service></safe>`;
	const problems = problemsOf(xml);
	t.true(
		problems.every(({ code, severity }) => /CONFIG_(LEGACY|UNNEEDED)/.test(code) && severity === "warning"),
		JSON.stringify(problems),
	);
	const configuration = configurationOf(xml);
	t.is(configuration.rfs?.lan, "repl");
	t.is(configuration.rfs?.lockTimeoutMs, 200_000);
	t.is(configuration.vip?.addresses[0]?.interfaceCheck, false);
});

test("what contradicts itself is refused", (t) => {
	t.like(
		problemsOf(mirror('<errd><proc name="a"/></errd>')).find(({ severity }) => severity === "error"),
		{ code: "CONFIG_MISSING", element: "errd" },
	);
	t.like(problemsOf(mirror("<user/><user/>"))[0], { code: "CONFIG_REPEATED" });
	t.like(problemsOf(mirror("").replace("<heart>", '<heart pulse="1s" timeout="1500">'))[0], {
		code: "CONFIG_VALUE",
		attribute: "timeout",
	});
	t.like(problemsOf(mirror("").replace('name="default"', 'name="a" ident="flow"'))[0], {
		code: "CONFIG_VALUE",
		expected: "<rfs>",
	});
	t.like(problemsOf(mirror('<rfs><replicated dir="/a"/><replicated dir="/a/b"/></rfs>'))[0], {
		code: "CONFIG_DIRECTORY",
		found: "/a/b",
	});
	t.deepEqual(problemsOf(mirror('<rfs><replicated dir="/a"/><replicated dir="/ab"/></rfs>')), []);
	t.like(problemsOf(mirror('<rfs><replicated dir="../a"/></rfs>'))[0], { code: "CONFIG_VALUE", attribute: "dir" });
	t.like(problemsOf(mirror('<rfs><replicated dir="/a"><notreplicated path="../../etc"/></replicated></rfs>'))[0], {
		code: "CONFIG_VALUE",
		attribute: "path",
	});
});

test("directories of Windows are normalised", (t) => {
	const configuration = configurationOf(mirror('<rfs><replicated dir="C:\\Program Files\\x\\"/></rfs>'));
	t.is(configuration.rfs?.directories[0]?.dir, "C:\\Program Files\\x");
});

test("splitbrain by ping is carried out", (t) => {
	const configuration = configurationOf(
		mirror('<check><splitbrain ident="SBtest" exec="ping" arg="10.0.0.1  10.0.0.2"/></check>'),
	);
	t.deepEqual(configuration.splitbrain, { ident: "SBtest", addresses: ["10.0.0.1", "10.0.0.2"] });
	t.deepEqual(configuration.unsupported, []);
	t.like(problemsOf(mirror('<check><splitbrain ident="a" exec="ping" arg="-f 10.0.0.1"/></check>'))[0], {
		code: "CONFIG_VALUE",
		attribute: "arg",
	});
});

test("the cluster must have the lans, with two nodes, and the server of defaultprim", (t) => {
	const node = (name: string, addr: string) => ({ name, addr });
	const lan = (name: string, ...nodes: string[]) => ({
		name,
		command: false,
		nodes: nodes.map((each, n) => node(each, `10.0.0.${n + 1}`)),
	});
	const check = (xml: string, lans: ReturnType<typeof lan>[]) =>
		inspect(bytes(xml), "u.xml", "m", 1, {
			schema,
			environment: {},
			purpose: "config",
			cluster: { port: 4800, pulseMs: 100, lans },
		});
	t.deepEqual(check(mirror(""), [lan("default", "a", "b")]).problems, []);
	t.like(check(mirror(""), [lan("defalt", "a", "b")]).problems[0], {
		code: "CONFIG_CLUSTER",
		attribute: "name",
		remedy: "Did you mean `defalt`?",
	});
	t.regex(
		check(mirror(""), [lan("default", "a", "b", "c")]).problems[0]?.message ?? "",
		/has 3 nodes, a mirror needs 2/,
	);
	t.like(check(mirror("", ' defaultprim="c"'), [lan("default", "a", "b")]).problems[0], {
		code: "CONFIG_CLUSTER",
		attribute: "defaultprim",
	});
	const legacy = mirror("").replace(
		'<heartbeat name="default"/>',
		'<heartbeat><server addr="10.0.0.1"/><server addr="10.0.0.2"/></heartbeat>',
	);
	t.is(check(legacy, [lan("net", "a", "b")]).configuration?.heart?.heartbeats[0]?.lan, "net");
});

test("safeconf.xml: macros expanded, entities escaped, no DOCTYPE, no namespace, comments gone", (t) => {
	const xml = `<!DOCTYPE safe><safe xmlns="urn:x"><macro name="S" value="a &amp; &quot;b&quot;"/><!-- c --><service mode='mirror'>${heart}<user><var name="SERVICES" value="%S%"/></user><failover><![CDATA[x: if (a == b) then stop();]]></failover></service></safe>`;
	const read = readUserconfig(bytes(xml), { file: "u.xml", schema, environment: {}, purpose: "config" });
	if ("problems" in read) return t.fail();
	const written = writeSafeconf(read.safe);
	t.true(written.includes('\t\t<user>\n\t\t\t<var name="SERVICES" value="a &amp; &quot;b&quot;"/>\n'));
	t.true(written.includes("<![CDATA[x: if (a == b) then stop();]]>"));
	t.notRegex(written, /DOCTYPE|xmlns|<!--/);
	const again = readUserconfig(bytes(written), { file: "safeconf.xml", schema, environment: {}, purpose: "config" });
	t.is("safe" in again ? writeSafeconf(again.safe) : "", written);
});
