/** conf/userconfig.xml of a new module. */
import { clientPort, type Plan, place } from "./plan.ts";

/** Indented lines of a file. */
type Lines = (string | Lines)[];

export function userconfigText(plan: Plan): string {
	const { mode, services, directory, address } = plan;
	const lines: Lines = [
		"<!DOCTYPE safe>",
		`<!-- ${plan.name}: ${purposes[mode]}`,
		"     `safekit schema --reference` explains every element. -->",
		"<safe>",
		[
			"<!-- The services of the application, in the order in which they start, separated by commas; they stop in the",
			"     reverse order. They have to be installed on both servers. -->",
			macro("SERVICES", services.join(", ")),
			...(directory === null
				? []
				: ["<!-- The directory with its data, the same path on both servers. -->", macro("DATA_DIR", directory)]),
			...(address === null
				? []
				: [
						"<!-- The address at which clients reach it: free, and in the network of the servers. -->",
						macro("VIRTUAL_IP", address),
					]),
			"",
			"<!-- After three restarts for errors within a day the fourth error stops the module: somebody has to look. -->",
			`<service mode="${mode}" boot="on" maxloop="3" loop_interval="24h">`,
			[...network(plan), ...data(plan), ...scripts(plan), ...checkers(plan)],
			"</service>",
		],
		"</safe>",
	];
	return `${written(lines, 0).join("\n")}\n`;
}

const purposes = {
	mirror: "the application runs on one of two servers, and its data is replicated to the other one.",
	farm: "the application runs on all servers at once, which share the clients.",
	light: "the application runs on one server, which starts it, watches it, and restarts it when it fails.",
};

function network(plan: Plan): Lines {
	const { mode, address } = plan;
	if (mode === "light") return [];
	const watching = mode === "mirror" ? ["<heart>", ['<heartbeat name="default"/>'], "</heart>"] : farmLan;
	const where = mode === "mirror" ? "one_side_alias" : "alias";
	const virtual = [
		"<vip>",
		[
			"<interface_list>",
			[
				"<interface>",
				[
					mode === "mirror" ? "<real_interface>" : '<virtual_interface type="vmac_directed">',
					[`<virtual_addr addr="${address === null ? "10.0.0.100" : "%VIRTUAL_IP%"}" where="${where}"/>`],
					mode === "mirror" ? "</real_interface>" : "</virtual_interface>",
				],
				"</interface>",
			],
			"</interface_list>",
			...(mode === "mirror" ? [] : balancing(plan)),
		],
		"</vip>",
	];
	const comment = [
		mode === "mirror"
			? "<!-- For an address that moves with the application, take the marks away and put yours in:"
			: "<!-- For an address that all servers share, instead of a load balancer, take the marks away and put yours in:",
		virtual,
		"-->",
	];
	return [
		"<!-- The network on which the servers watch each other, as cluster.xml names it. -->",
		...watching,
		...(address === null ? comment : virtual),
	];
}

const farmLan: Lines = ["<farm>", ['<lan name="default"/>'], "</farm>"];
function balancing(plan: Plan): Lines {
	const rule = `<rule port="${clientPort(plan)}" proto="tcp" filter="on_addr"/>`;
	return ["<loadbalancing_list>", ['<group name="clients">', [rule], "</group>"], "</loadbalancing_list>"];
}

function data({ directory }: Plan): Lines {
	return directory === null ? [] : ["<rfs>", ['<replicated dir="%DATA_DIR%"/>'], "</rfs>"];
}

function scripts({ mode }: Plan): Lines {
	const grace = mode === "farm" ? ['<var name="GRACE" value="60"/>'] : [];
	return [
		`<!-- What the scripts in bin/ and the checker see. Stop scripts have five minutes each${mode === "farm" ? "; GRACE: seconds" : ". -->"}`,
		...(mode === "farm" ? ["     of them in which nginx and Apache may answer what is under way. -->"] : []),
		'<user nicestoptimeout="300s" forcestoptimeout="300s">',
		['<var name="SERVICES" value="%SERVICES%"/>', ...grace],
		"</user>",
	];
}

function checkers(plan: Plan): Lines {
	const page = plan.health === null ? "" : ` arg="${escaped(plan.health.href)}"`;
	const custom = `<custom ident="application" when="${place(plan)}" exec="checks/application.ts"${page} action="restart"/>`;
	return [
		"<!-- bin/checks/application.ts says whether the application works; if not, it is restarted. -->",
		"<check>",
		[custom],
		"</check>",
	];
}

function macro(name: string, value: string): string {
	return `<macro name="${name}" value="${escaped(value)}"/>`;
}

function escaped(text: string): string {
	return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function written(lines: Lines, depth: number): string[] {
	return lines.flatMap((line) =>
		typeof line === "string" ? [line === "" ? "" : "\t".repeat(depth) + line] : written(line, depth + 1),
	);
}
