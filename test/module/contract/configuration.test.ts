/** Spec/09 §6: the vocabulary of the published packages is read, blanks are named, safeconf.xml is what scripts expect. */
import test from "ava";
import { inspect } from "../../../core/module/inspect.ts";
import { writeSafeconf } from "../../../core/schema/safeconf.ts";
import { readXml } from "../../../core/schema/xml/document.ts";
import { findTexts, parseXPath } from "../../../core/scripts/xpath.ts";
import { schema } from "../place.ts";
import { type Published, published } from "./packages.ts";

function look(one: Published, purpose: "config" | "check", text = one.userconfig) {
	return inspect(Buffer.from(text), "conf/userconfig.xml", "m", 1, { schema, environment: {}, purpose });
}

/** What the person who installs the module writes into it. */
const filled = (one: Published): string =>
	one.userconfig
		.replaceAll(/(name="VIRTUAL_?IP" value)=""/g, '$1="192.0.2.10"')
		.replaceAll(/(name="\w+_PORT" value)=""/g, '$1="80"')
		.replaceAll('name="VM_PATH" value=""', 'name="VM_PATH" value="D:\\Hyper-V\\"')
		.replaceAll('name="VM_NAME" value=""', 'name="VM_NAME" value="vm one"')
		.replaceAll('virtual_addr addr=""', 'virtual_addr addr="192.0.2.10"')
		.replaceAll('replicated dir=""', 'replicated dir="/data"')
		.replaceAll('custom ident=""', 'custom ident="vm"');

for (const one of published) {
	const what = `${one.name} (${one.system})`;
	test(`${what}: as it is published nothing is wrong, and each blank is named`, (t) => {
		const checked = look(one, "check").problems;
		t.deepEqual(
			checked.filter(({ severity }) => severity === "error").map(({ message }) => message),
			[],
		);
		const refused = look(one, "config").problems.filter(({ severity }) => severity === "error");
		const blanks = refused.map(({ code, element, attribute }) => {
			t.is(code, "CONFIG_BLANK", `${element} ${attribute}`);
			return `${element}@${attribute}`;
		});
		// A variable may be empty: only what the product needs itself is a blank.
		t.deepEqual([...new Set(blanks)].sort(), one.blanks.filter((blank) => blank !== "var@value").sort());
		for (const problem of refused) t.true((problem.line ?? 0) > 0 && (problem.column ?? 0) > 0);
	});

	test(`${what}: filled in, it is read whole`, (t) => {
		const { problems, configuration, read } = look(one, "config", filled(one));
		t.deepEqual(
			problems.filter(({ severity }) => severity === "error").map(({ message }) => message),
			[],
		);
		t.is(configuration?.mode, one.mode);
		t.is(configuration?.boot, one.boot ? "on" : "ignore");
		if (read === undefined) return t.fail();
		const safeconf = writeSafeconf(read.safe);
		t.notRegex(safeconf, /DOCTYPE|xmlns|%\w+%|<!--/);
		const document = readXml(Buffer.from(safeconf), "safeconf.xml");
		if (!("root" in document)) return t.fail(document.message);
		for (const { name, value } of configuration?.user?.vars ?? []) {
			const xpath = parseXPath(`//user/var[@name='${name}']/@value`);
			if (xpath === null) return t.fail();
			t.deepEqual(findTexts(document.root, xpath), [value], "one line for each variable, and its value");
		}
	});
}

test("vip, interface and interface_list without attributes: both checks are on", (t) => {
	const mysql = published.find(({ name }) => name === "mysql") as Published;
	const { configuration } = look(mysql, "config", filled(mysql));
	t.deepEqual(
		configuration?.vip?.addresses.map(({ check, interfaceCheck, where }) => ({ check, interfaceCheck, where })),
		[{ check: true, interfaceCheck: true, where: "one_side_alias" }],
	);
	t.deepEqual(configuration?.checkers.map(({ kind }) => kind).sort(), ["intf", "ip"]);
	for (const name of ["kvm", "hyperv"]) {
		const one = published.find((each) => each.name === name) as Published;
		t.deepEqual(
			look(one, "config", filled(one)).configuration?.checkers.map(({ kind }) => kind),
			["custom"],
			name,
		);
	}
});

test("what the packages leave to defaults: polltimer, atleast, the action of tcp, the mode of replicated", (t) => {
	const of = (name: string, system = "windows") => {
		const one = published.find((each) => each.name === name && each.system === system) as Published;
		return look(one, "config", filled(one)).configuration;
	};
	t.is(of("milestone")?.errd?.pollMs, 30_000);
	t.is(of("mysql")?.errd?.pollMs, 10_000);
	t.is(of("milestone")?.errd?.procs.length, 2);
	t.is(of("apache_farm")?.checkers.find(({ kind }) => kind === "tcp")?.action, "restart");
	t.deepEqual(
		of("kvm", "linux")?.user?.vars,
		[
			{ name: "VM_PATH", value: "/var/lib/libvirt/images/vm1" },
			{ name: "VM_NAME", value: "vm1" },
		],
		"a macro and a variable of one name are two things",
	);
	t.is(of("postgresql")?.user?.vars[1]?.value.endsWith("\\"), true);
	t.deepEqual(
		of("postgresql")?.rfs?.directories.map(({ dir }) => dir),
		["C:\\Program Files\\App\\Data\\data"],
		"blanks in a directory, and separators of Windows",
	);
	const hyperv = of("hyperv");
	t.true(hyperv?.rfs?.scripts);
	t.true(hyperv?.rfs?.acl);
});

test("a commented failover block stays inert", (t) => {
	const milestone = published.find(({ name }) => name === "milestone") as Published;
	t.regex(milestone.userconfig, /CDATA/);
	const { configuration, read } = look(milestone, "config", filled(milestone));
	t.true(read?.service.children.every(({ name }) => name !== "failover"));
	t.is(configuration?.mode, "mirror");
});
