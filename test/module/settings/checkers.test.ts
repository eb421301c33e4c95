/** Checkers and watched processes as the services read them (spec/02 §5, §9, §10). */
import test from "ava";
import { type Inspection, inspect } from "../../../core/module/inspect.ts";
import { networkAddress } from "../../../core/module/settings/checkers.ts";
import { wordsOf } from "../../../core/module/settings/words.ts";
import { schema } from "../place.ts";

function read(children: string, mode = "mirror"): Inspection {
	const heart = mode === "mirror" ? '<heart><heartbeat name="default"/></heart>' : "";
	const xml = `<safe><service mode="${mode}">${heart}<user/>${children}</service></safe>`;
	return inspect(Buffer.from(xml), "userconfig.xml", "m", 1, { schema, environment: {}, purpose: "config" });
}

/** Problems that are not about what is not carried out yet. */
function wrong({
	problems,
}: Inspection): [severity: string, attribute: string | undefined, found: string | undefined][] {
	return problems.filter(({ code }) => code !== "CONFIG_LATER").map((one) => [one.severity, one.attribute, one.found]);
}

test("every checker has its resource, its moment, its action, its times", (t) => {
	const { configuration, problems } = read(`<check>
		<tcp ident="web" when="prim"><to addr="10.0.0.1" port="80"/></tcp>
		<tcp ident="early" when="pre"><to addr="h" port="1" interval="2" timeout="1500ms"/></tcp>
		<ping ident="router"><to addr="10.0.0.2" interval="1s"/></ping>
		<ping ident="other" when="both"><to addr="10.0.0.3"/></ping>
		<intf ident="lan"><to local_addr="10.0.0.4"/></intf>
		<ip ident="vip"><to addr="10.0.0.5"/></ip>
		<custom ident="c" when="second" exec="check.sh" arg="a 'b c'" action="stop"/>
		<module name="other"/>
		<module name="far" ident="f"><to addr="10.0.0.6" port="9011" secure="on"/></module>
		<splitbrain ident="w" exec="ping" arg="10.0.0.7 10.0.0.8"/>
	</check>`);
	t.false(
		problems.some(({ severity }) => severity === "error"),
		JSON.stringify(problems),
	);
	const short = configuration?.checkers.map((one) => [one.resource, one.when, one.action]);
	t.deepEqual(short, [
		["tcp.web", "prim", "restart"],
		["tcp.early", "pre", "wait"],
		["ping.router", "pre", "wait"],
		["ping.other", "both", "stopstart"],
		["intf.lan", "pre", "wait"],
		["ip.vip", "prim", "stopstart"],
		["custom.c", "second", "stop"],
		["module.other_127.0.0.1", "pre", "wait"],
		["module.f", "pre", "wait"],
		["splitbrain.w", "pre", "wait"],
	]);
	t.like(configuration?.checkers[0], { addr: "10.0.0.1", port: 80, intervalMs: 10_000, timeoutMs: 5000 });
	t.like(configuration?.checkers[2], { intervalMs: 1000, timeoutMs: 5000 });
	t.like(configuration?.checkers[6], { exec: "check.sh", args: ["a", "b c"] });
	t.like(configuration?.checkers[7], { name: "other", port: 9010, secure: false });
	t.like(configuration?.checkers[8], { addr: "10.0.0.6", port: 9011, secure: true });
});

test("actions that a moment does not have are named", (t) => {
	const tcp = (when: string, action: string) =>
		read(`<check><tcp ident="a" when="${when}" action="${action}"><to addr="h" port="1"/></tcp></check>`);
	t.deepEqual(wrong(tcp("pre", "restart")), [["error", "action", "restart"]]);
	t.deepEqual(wrong(tcp("pre", "noaction")), []);
	t.deepEqual(wrong(tcp("prim", "wait")), [["warning", "action", "wait"]]);
	const twice = '<tcp ident="a" when="prim"><to addr="h" port="1"/></tcp>';
	t.deepEqual(wrong(read(`<check>${twice}${twice}</check>`)), [["error", "ident", "a"]]);
});

test("virtual addresses bring their checkers, once each, unless check is off or the file names one", (t) => {
	const vip = (checks: string, address = "", more = "") =>
		read(
			`<vip><interface_list><interface ${checks}><real_interface><virtual_addr addr="203.0.113.7" ${address}/><virtual_addr addr="203.0.113.8"/></real_interface></interface></interface_list></vip>${more}`,
		).configuration?.checkers.map(({ resource }) => resource);
	t.deepEqual(
		vip(""),
		["intf.203.0.113.7", "ip.203.0.113.7", "intf.203.0.113.8", "ip.203.0.113.8"],
		"no such network here",
	);
	t.deepEqual(vip('check="off"', 'check="off"'), ["ip.203.0.113.8"]);
	const own = '<check><ip ident="203.0.113.8"><to addr="203.0.113.8"/></ip></check>';
	t.deepEqual(vip('check="off"', 'check="off"', own), ["ip.203.0.113.8"]);
});

test("networks are named by their address", (t) => {
	t.is(networkAddress("172.17.4.9", "255.255.0.0"), "172.17.0.0");
	t.is(networkAddress("10.1.2.3", "255.255.255.128"), "10.1.2.0");
	t.is(networkAddress("fd00:1::7", "ffff:ffff:ffff:ffff::"), "fd00:1::");
});

test("processes and services", (t) => {
	const { configuration } = read(`<errd polltimer="10">
		<proc name="oracle" nameregex="ora_.*" argregex="SID" class="prim" action="restart" start_after="3"/>
		<proc name="pg" service="yes" action="restart" restart_services="pg, agent"/>
		<proc name="hog" atmax="0" class="mine" action="kill_hog"/>
	</errd>`);
	t.is(configuration?.errd?.pollMs, 10_000);
	t.like(configuration?.errd?.procs[0], {
		nameRegex: "ora_.*",
		argRegex: "SID",
		skippedLooks: 2,
		atLeast: 1,
		atMost: null,
	});
	t.like(configuration?.errd?.procs[1], {
		service: true,
		class: "prim",
		restartServices: "pg, agent",
		skippedLooks: 0,
	});
	t.deepEqual(configuration?.errd?.procs[2]?.action, { handler: "kill_hog" });
	t.like(configuration?.errd?.procs[2], { class: "mine", atLeast: null, atMost: 0, resource: "proc.hog" });
	t.is(read('<errd><proc name="a"/></errd>', "light").configuration?.errd?.procs[0]?.class, "both");
	t.deepEqual(wrong(read('<errd><proc name="a" action="handler" class="prim"/></errd>')), [
		["warning", "class", "prim"],
	]);
	t.deepEqual(wrong(read('<errd><proc name="a" restart_services="x"/></errd>')), [
		["warning", "restart_services", "x"],
	]);
});

test("words keep together what stands in quotes", (t) => {
	t.deepEqual(wordsOf('  a "b c" \'d e\' --x=1 ""'), ["a", "b c", "d e", "--x=1", ""]);
	t.deepEqual(wordsOf(""), []);
});
