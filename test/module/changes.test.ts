/** Which changes of a configuration need a stop (spec/02, "dyn"). */
import test from "ava";
import { needsStop } from "../../core/module/changes.ts";
import { writeSafeconf } from "../../core/schema/safeconf.ts";
import { readUserconfig, type Userconfig } from "../../core/schema/userconfig.ts";
import { schema } from "./place.ts";

function read(xml: string): Userconfig {
	const found = readUserconfig(Buffer.from(xml), { file: "u.xml", schema, environment: {}, purpose: "config" });
	if ("problems" in found) throw new Error(found.problems[0]?.message);
	const errors = found.report.problems.filter(({ severity }) => severity === "error");
	if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join());
	return found;
}

const service = (inner: string, attributes = ""): string =>
	`<safe><service mode="mirror"${attributes}><heart><heartbeat name="default"/></heart>${inner}</service></safe>`;

/** Of a change from one `<service>` to another. */
const stops = (before: string, after: string): string[] =>
	needsStop(Buffer.from(writeSafeconf(read(before).safe)), read(after), schema);

const vip = (addr: string): string =>
	`<vip><interface_list><interface><real_interface><virtual_addr addr="${addr}"/></real_interface></interface></interface_list></vip>`;
const tcp = (more: string): string =>
	`<user/><check><tcp ident="web" when="prim"><to addr="10.0.0.1" port="80"${more}/></tcp></check>`;

test("what the documentation marks as dynamic needs no stop", (t) => {
	t.deepEqual(stops(service(""), service("")), []);
	t.deepEqual(
		stops(service(""), service("", ' maxloop="5" loop_interval="1h" boot="on" boot_delay="3" automatic_reboot="on"')),
		[],
	);
	t.deepEqual(stops(service("<user/>"), service('<user nicestoptimeout="10"><var name="A" value="1"/></user>')), []);
	t.deepEqual(stops(service(tcp(' interval="10"')), service(tcp(' interval="20s" timeout="3"'))), []);
	t.deepEqual(stops(service(tcp("")), service("<user/>")), []);
	const errd = '<user/><errd polltimer="10"><proc name="a" class="prim"/></errd>';
	t.deepEqual(stops(service("<user/>"), service(errd)), []);
	const heart =
		'<safe><service mode="mirror"><heart timeout="5s"><heartbeat name="default" pulse="500"/><heartbeat name="two"/></heart></service></safe>';
	t.deepEqual(stops(service(""), heart), []);
});

test("what is written otherwise and means the same is no change", (t) => {
	t.deepEqual(stops(service("", ' loop_interval="24"'), service("", ' loop_interval="1d"')), []);
	const macro = service('<user><var name="A" value="%X%"/></user>').replace(
		"<safe>",
		'<safe><macro name="X" value="1"/>',
	);
	t.deepEqual(stops(service('<user><var name="A" value="1"/></user>'), macro), []);
	t.deepEqual(stops(service(""), service("", ' failover="on" defaultprim="alone"')), []);
});

test("the rest is named: element, attribute, old and new", (t) => {
	t.deepEqual(stops(service(""), service("", ' failover="off" defaultprim="n1"')).sort(), [
		"service@defaultprim: alone → n1",
		"service@failover: on → off",
	]);
	t.deepEqual(stops(service(vip("10.0.0.5")), service(vip("10.0.0.6"))), [
		"vip/interface_list/interface/real_interface/virtual_addr[10.0.0.6]@addr: 10.0.0.5 → 10.0.0.6",
	]);
	t.deepEqual(stops(service(""), service(vip("10.0.0.6"))), ["vip is added"]);
	t.deepEqual(
		stops(
			service('<rfs><replicated dir="/a"/><replicated dir="/b"/></rfs>'),
			service('<rfs locktimeout="9"><replicated dir="/b"/></rfs>'),
		),
		["rfs@locktimeout: 100s → 9", "rfs/replicated[/a] is removed"],
	);
	const rules = (text: string): string => `<failover><![CDATA[${text}]]></failover>`;
	t.deepEqual(
		stops(service(rules("a: if (tcp.a == down) then stop();")), service(rules("a: if (tcp.b == down) then stop();"))),
		["failover: its text → another text"],
	);
});

test("a configuration in force that cannot be read is a reason to stop first", (t) => {
	t.deepEqual(needsStop(Buffer.from("<safe"), read(service("")), schema), [
		"the configuration in force cannot be read",
	]);
});
