import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Problem } from "../../core/errors.ts";
import type { ServerFacts } from "../../core/module/advice/server.ts";
import { checkPackage } from "../../core/module/check.ts";
import { checkConfiguration, configureModule } from "../../core/module/configure.ts";
import { installModule } from "../../core/module/install.ts";
import { type Place, place, schema } from "./place.ts";

interface Written {
	/** Inside `<service>`, beside heart and user. */
	inner?: string;
	/** Files of bin/ by name; executable unless `plain`. */
	bin?: Record<string, string>;
	plain?: readonly string[];
}

const good = { start_prim: "#!/bin/bash\nexit 0\n" };

function xmlOf(inner: string): string {
	return `<safe>\n<service mode="mirror">\n<heart><heartbeat name="default"/></heart>\n<user/>\n${inner}\n</service></safe>`;
}

async function folderOf(t: ExecutionContext, { inner = "", bin = good, plain = [] }: Written): Promise<string> {
	const { top } = await place(t);
	for (const [name, text] of Object.entries({ "conf/userconfig.xml": xmlOf(inner), ...inBin(bin) })) {
		await mkdir(dirname(join(top, name)), { recursive: true });
		await writeFile(join(top, name), text);
		if (name.startsWith("bin/") && !plain.includes(name.slice(4))) await chmod(join(top, name), 0o755);
	}
	return top;
}

function inBin(bin: Record<string, string>): Record<string, string> {
	return Object.fromEntries(Object.entries(bin).map(([name, text]) => [`bin/${name}`, text]));
}

async function check(t: ExecutionContext, written: Written): Promise<Problem[]> {
	const problems = (await checkPackage(await folderOf(t, written), schema, {})).problems;
	for (const { remedy, line, column, file } of problems) {
		t.true(remedy.length > 10 && file !== undefined);
		t.is(line === undefined, column === undefined);
	}
	return problems;
}

const short = ({ severity, line, column, message }: Problem): unknown[] => [severity, line, column, message];

test("a sound module gets no advice", async (t) => {
	const inner = `<errd><proc name="mysqld" class="prim" action="restart"/></errd>
<check><custom ident="c" when="prim" exec="look"/></check>
<failover><![CDATA[a: if (custom.c == down && heartbeat.default == up) then stop();]]></failover>`;
	t.deepEqual(await check(t, { inner, bin: { ...good, look: "#!/bin/sh\n" } }), []);
});

test("a script that is not executable, without interpreter, or with CRLF", async (t) => {
	const bin = {
		start_prim: "#!/bin/bash\nexit 0\n",
		stop_prim: "exit 0\n",
		prestart: "#!/bin/bash\r\nexit 0\r\n",
		start_second: "#!/usr/bin/env bash\nif true\r\nthen x; fi\n",
		library: "a() {\n}\r\n",
		"tool.py": "#!/usr/bin/python3\nprint(1)\r\n",
		"notes.txt": "a\r\n",
		poststop: "\x7fELF\0\r\n",
	};
	const found = await check(t, { bin, plain: ["start_prim", "library"] });
	t.deepEqual(
		found.map((problem) => [problem.file?.split("/").at(-1), ...short(problem)]),
		[
			["library", "warning", 2, 2, "the line ends in CRLF: a shell takes the CR for a part of its last word"],
			["prestart", "warning", 1, 12, "the first line ends in CRLF, so Linux cannot run the script"],
			["start_prim", "warning", undefined, undefined, "the script is not executable"],
			["start_second", "warning", 2, 8, "the line ends in CRLF: a shell takes the CR for a part of its last word"],
			["stop_prim", "warning", 1, 1, "the script does not say which program reads it, so Linux cannot run it"],
		],
	);
	t.regex(found[2]?.remedy ?? "", /^Run `chmod \+x \/.*\/bin\/start_prim`/);
});

test("scripts without <user>, which would never run", async (t) => {
	const top = await folderOf(t, {});
	await writeFile(join(top, "conf/userconfig.xml"), xmlOf("").replace("<user/>", ""));
	t.deepEqual((await checkPackage(top, schema, {})).problems.map(short), [
		["warning", 2, 1, "<service> has no <user>: bin/start_prim is never run"],
	]);
});

test("scripts for Windows keep their line ends", async (t) => {
	const bin = { "start_prim.ps1": "exit 0\r\n", "vmcheck.ps1": "x\r\n" };
	const inner = '<check><custom ident="c" when="prim" exec="vmcheck"/></check>';
	t.deepEqual(await check(t, { inner, bin }), []);
});

test("a checker file or a handler that is missing", async (t) => {
	const inner = `<check><custom ident="a" when="prim" exec="lok"/>
<custom ident="b" when="prim" exec="../look"/><custom ident="c" when="prim" exec="/usr/bin/absent"/></check>
<errd><proc name="a" class="mine" action="restrat"/><proc name="b" class="mine" action="./look"/></errd>`;
	const found = await check(t, { inner, bin: { ...good, look: "#!/bin/sh\n" } });
	t.deepEqual(
		found.map((problem) => [...short(problem), problem.code, problem.remedy]),
		[
			["error", 5, 38, "the module has no file bin/lok", "CONFIG_FILE", "Did you mean `look`?"],
			[
				...["error", 6, 31, "../look leads out of bin/", "CONFIG_FILE"],
				"Put the file into bin/ of the module, or correct its name.",
			],
			["error", 7, 35, "the module has no file bin/restrat", "CONFIG_FILE", "Did you mean `restart`?"],
		],
	);
});

test("a process name that is too long, and not one of a service or of an expression", async (t) => {
	const long = "a-command-of-nineteen";
	const inner = `<errd><proc name="${long}"/>
<proc name="${long}1" service="yes"/><proc name="${long}2" nameregex="a-.*"/><proc name="exactly-15-chars"/></errd>`;
	t.deepEqual((await check(t, { inner: inner.replace("exactly-15-chars", "exactly-15-char") })).map(short), [
		["warning", 5, 13, `Linux keeps 15 characters of a process name: any a-command-of-ni… counts as ${long}`],
	]);
	const windows = { "start_prim.cmd": "exit /b 0\r\n" };
	t.deepEqual(await check(t, { inner, bin: windows }), []);
	t.is((await check(t, { inner: `<errd><proc name="${"x".repeat(64)}"/></errd>`, bin: windows })).length, 1);
});

test("a rule that names a resource which nobody sets", async (t) => {
	const inner = `<check><tcp ident="web" when="prim"><to addr="10.0.0.1" port="80"/></tcp></check>
<failover><![CDATA[
a: if (tcp.wbe == down) then restart();
b: if (custom.disk == down || proc.? == down) then stop();
c: if (rfs.uptodate == down && heartbeat.flow == up) then wait();
d: if (tcp.? == down && mine.x == up && usersetting.checker == on && remote.tcp.web == up) then stop();
]]></failover>`;
	const bin = { ...good, prestart: `#!/bin/sh\n"$SAFE/safekit" set -r mine.x -v up\n` };
	const found = await check(t, { inner, bin });
	t.deepEqual(
		found.map((problem) => [...short(problem), problem.remedy.split(":")[0]]),
		[
			["warning", 7, 8, "rule a: nobody sets tcp.wbe", "Did you mean `tcp.web`?"],
			[
				...["warning", 8, 8, "rule b: nobody sets custom.disk"],
				"Add a checker that sets it, or a script that calls `safekit set -r custom.disk -v up|down`.",
			],
			[
				...["warning", 8, 31, "rule b: there is no resource of class proc"],
				"Add a checker that sets it, or a script that calls `safekit set -r proc.? -v up|down`.",
			],
			[
				...["warning", 9, 8, "rule c: nobody sets rfs.uptodate"],
				"Add a checker that sets it, or a script that calls `safekit set -r rfs.uptodate -v up|down`.",
			],
			[
				...["warning", 9, 32, "rule c: nobody sets heartbeat.flow"],
				"Add a checker that sets it, or a script that calls `safekit set -r heartbeat.flow -v up|down`.",
			],
		],
	);
});

/** A server with one network, two services, and whatever else is given. */
function server(addresses: Record<string, string> = {}): ServerFacts {
	const all = { eth0: "10.0.0.1/24", ...addresses };
	return {
		services: async (names) =>
			new Map(names.map((name) => [name, ["nginx", "a"].includes(name) ? "running" : "absent"] as const)),
		interfaces: async () =>
			Object.entries(all).map(([name, text], index) => {
				const [addr = "", prefix] = text.split("/");
				const family = addr.includes(":") ? (6 as const) : (4 as const);
				return {
					...{ name, index, mac: "", up: true, loopback: false },
					addresses: [{ addr, prefix: Number(prefix), family, label: "" }],
				};
			}),
	};
}

const lan = (name: string, ...addrs: string[]) => ({
	...{ name, command: false },
	nodes: addrs.map((addr, index) => ({ name: `n${index + 1}`, addr })),
});
const cluster = { port: 4800, pulseMs: 100, lans: [lan("default", "10.0.0.1", "10.0.0.2")] };
const hook = async () => ({ ran: false, exitCode: null });
const options = { schema, environment: {}, hook, cluster };

const vip = (addr: string, more = "", intf = ""): string =>
	`<vip><interface_list><interface${intf}><real_interface><virtual_addr addr="${addr}"${more}/></real_interface></interface></interface_list></vip>`;

/** A whole farm with one address in a network that this server is not in. */
function farmVip(begin: string, end: string): string {
	const vip = `<vip><interface_list><interface name="eth0">${begin}<virtual_addr addr="172.16.0.9" netmask="255.255.0.0" where="alias"/>${end}</interface></interface_list>
<loadbalancing_list><group name="g"><rule port="80" proto="tcp" filter="on_addr"/></group></loadbalancing_list></vip>`;
	return `<safe>\n<service mode="farm">\n<farm><lan name="default"/></farm>\n<user/>\n${vip}\n</service></safe>`;
}

async function installed(here: Place, name: string, inner: string): Promise<void> {
	const content = inner.startsWith("<safe>") ? inner : xmlOf(inner);
	const file = await here.pack(`${name}.safe`, [{ name: "conf/userconfig.xml", content }]);
	await installModule(here.paths, { file });
}

test("a service that does not exist on this server", async (t) => {
	const here = await place(t);
	const inner = `<errd><proc name="nginx" service="yes" action="restart" restart_services="a, b"/>
<proc name="postgresql@15-main" service="yes"/><proc name="absent"/></errd>`;
	await installed(here, "m", inner);
	const found = await checkConfiguration(here.paths, "m", { ...options, server: server() });
	t.deepEqual(
		found.filter(({ code }) => code === "CONFIG_SERVICE").map((each) => [...short(each), each.attribute]),
		[
			["warning", 5, 57, "there is no service b on this server", "restart_services"],
			["warning", 6, 7, "there is no service postgresql@15-main on this server", "name"],
		],
	);
	t.regex(found[0]?.remedy ?? "", /systemctl list-unit-files/);
});

test("services that the scripts are told to start are looked for too", async (t) => {
	const here = await place(t);
	const file = await here.pack("m.safe", [
		{
			name: "conf/userconfig.xml",
			content: xmlOf("").replace("<user/>", '<user><var name="SERVICES" value="nginx, other"/></user>'),
		},
	]);
	await installModule(here.paths, { file });
	t.deepEqual((await checkConfiguration(here.paths, "m", { ...options, server: server() })).map(short), [
		["warning", 4, 28, "there is no service other on this server"],
	]);
});

test("a checker outside of the module that is not there", async (t) => {
	const here = await place(t);
	await installed(here, "m", '<check><custom ident="c" when="prim" exec="/nowhere/look"/></check>');
	t.deepEqual((await checkConfiguration(here.paths, "m", { ...options, server: server() })).map(short), [
		["warning", 5, 38, "/nowhere/look does not exist on this server"],
	]);
});

const places: [what: string, inner: string, facts: ServerFacts, expected: [string, string] | null][] = [
	["in a lan's subnet", vip("10.0.0.9"), server(), null],
	["a node's own", vip("10.0.0.2"), server(), ["error", "10.0.0.2 is the own address of n2"]],
	[
		"this server's",
		vip("10.0.0.9"),
		server({ eth1: "10.0.0.9/24" }),
		["warning", "10.0.0.9 is set on eth1 of this server already"],
	],
	[
		"in no network",
		vip("10.9.0.9"),
		server(),
		["warning", "no interface of this server has an address in the network of 10.9.0.9"],
	],
	[
		"outside every lan",
		vip("192.168.1.9"),
		server({ eth1: "192.168.1.1/24" }),
		["warning", "192.168.1.9 is outside the subnet of every lan of cluster.xml"],
	],
	["a wider mask", vip("10.0.7.9", ' netmask="255.255.0.0"'), server(), null],
	[
		"an unknown interface",
		vip("10.0.0.9", "", ' name="eth7"'),
		server(),
		["warning", "this server has no interface eth7"],
	],
	[
		"a named interface of a farm",
		farmVip("<real_interface>", "</real_interface>"),
		server(),
		["warning", "no interface of this server has an address in the network of 172.16.0.9"],
	],
	[
		"a named interface of a farm, directed",
		farmVip('<virtual_interface type="vmac_directed">', "</virtual_interface>"),
		server(),
		["warning", "no interface of this server has an address in the network of 172.16.0.9"],
	],
	[
		"a named interface of a farm, under one MAC address",
		farmVip('<virtual_interface type="vmac_invisible">', "</virtual_interface>"),
		server(),
		null,
	],
	["a named interface", vip("172.16.0.9", ' netmask="255.255.0.0"', ' name="eth0"'), server(), null],
	[
		"IPv6 in another spelling",
		vip("fd00:0::9"),
		server({ eth1: "fd00::9/64" }),
		["warning", "fd00::9 is set on eth1 of this server already"],
	],
];
for (const [what, inner, facts, expected] of places) {
	test(`a virtual address: ${what}`, async (t) => {
		const here = await place(t);
		await installed(here, "m", inner);
		const found = await checkConfiguration(here.paths, "m", { ...options, server: facts }).catch(
			(error) => error.problems,
		);
		const told = found.filter(({ code }: Problem) => code === "CONFIG_ADDRESS");
		t.deepEqual(
			told.map(({ severity, message, line, attribute }: Problem) => [severity, message, line, attribute]),
			expected === null ? [] : [[...expected, 5, "addr"]].map(([a, b, c, d]) => [a, b, c, d]),
		);
	});
}

test("two modules with one virtual address; a module that runs keeps its own", async (t) => {
	const here = await place(t);
	await installed(here, "one", vip("10.0.0.9"));
	await installed(here, "two", vip("10.0.0.9"));
	await configureModule(here.paths, "one", { ...options, server: server() });
	const error = await t.throwsAsync(checkConfiguration(here.paths, "two", { ...options, server: server() }), {
		message: "10.0.0.9 is a virtual address of the module one too",
	});
	t.like(error, { code: "CONFIG_INVALID" });
	t.deepEqual(await checkConfiguration(here.paths, "one", { ...options, server: server({ eth1: "10.0.0.9/24" }) }), []);
});

/** A farm with two addresses; `groups` and `checks` as given. */
function farmXml(groups: string, checks = ""): string {
	const addresses = ["10.0.0.9", "fd00::9"].map((addr) => `<virtual_addr addr="${addr}" where="alias"/>`).join("\n");
	return `<safe>
<service mode="farm"><farm><lan name="default"/></farm><user/>
<vip><interface_list><interface><virtual_interface type="vmac_directed">
${addresses}
</virtual_interface></interface></interface_list>
<loadbalancing_list>
${groups}
</loadbalancing_list></vip>
<check>
${checks}
</check></service></safe>`;
}

async function checkFarm(t: ExecutionContext, groups: string, checks?: string): Promise<unknown[][]> {
	const top = await folderOf(t, { bin: { start_both: "#!/bin/bash\n" } });
	await writeFile(join(top, "conf/userconfig.xml"), farmXml(groups, checks));
	return (await checkPackage(top, schema, {})).problems.map(short);
}

const rule = (attributes: string): string => `<rule port="80" proto="tcp" filter="on_addr" ${attributes}/>`;

test("a farm: an address that no rule names, servers without power", async (t) => {
	t.deepEqual(await checkFarm(t, `<group name="g">${rule("")}</group>`), []);
	const arp = '<rule proto="arp" filter="on_addr"/>';
	const hosts = '<cluster><host name="n1" power="0"/><host name="n2" power="0"/></cluster>';
	t.deepEqual(await checkFarm(t, `<group name="g">${hosts}${rule('virtual_addr="10.0.0.9"')}${arp}</group>`), [
		["warning", 5, 15, "no rule names fd00::9: it answers no client"],
		["warning", 8, 8, "every server of the group g has power 0: nobody answers"],
	]);
	t.deepEqual(await checkFarm(t, `<group name="g">${hosts.replace('"0"', '"1"')}${rule("")}</group>`), []);
});

test("a farm: a checker that tests another machine restarts the application everywhere", async (t) => {
	const tcp = (ident: string, addr: string, more = 'when="both"'): string =>
		`<tcp ident="${ident}" ${more}><to addr="${addr}" port="80"/></tcp>`;
	const checks = [
		...[tcp("a", "10.0.0.9"), tcp("b", "127.0.0.1"), tcp("c", "::1"), tcp("d", "localhost")],
		...[tcp("e", "10.0.0.20"), tcp("f", "10.0.0.20", 'when="pre" action="wait"')],
	];
	const message =
		"10.0.0.20 is no virtual address of the module: every server restarts its application when it is silent";
	t.deepEqual(await checkFarm(t, `<group name="g">${rule("")}</group>`, checks.join("\n")), [
		["warning", 15, 32, message],
	]);
});
