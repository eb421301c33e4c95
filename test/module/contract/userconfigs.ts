/**
 * Configurations with the vocabulary of the published packages, element by element and blank by blank (spec/09 §2, §6).
 * Only facts are taken over: the words are ours.
 */

export interface Shape {
	services?: string;
	/** `addr` of the mirror's virtual address; null: no `<vip>`. */
	vip?: string | null;
	dirs?: string[];
	rfs?: string;
	/** Children of `<errd>`; null: none. */
	errd?: string | null;
	polltimer?: string;
	check?: string;
	macros?: [name: string, value: string][];
	vars?: [name: string, value: string][];
	boot?: boolean;
	crlf?: boolean;
	/** Before `<safe>`; the DOCTYPE unless given. */
	head?: string;
}

const element = (name: string, pairs: [string, string][]): string =>
	`\t<${name} ${pairs.map(([key, value]) => `${key}="${value}"`).join(" ")}/>\n`;

function whole(mode: string, inner: string, shape: Shape): string {
	const services: [string, string][] = shape.services === undefined ? [] : [["SERVICES", shape.services]];
	const macros = [...services, ...(shape.macros ?? [])];
	const vars = shape.vars ?? (shape.services === undefined ? [] : [["SERVICES", "%SERVICES%"]]);
	const text = [
		`${shape.head ?? "<!DOCTYPE safe>\n"}<safe>\n`,
		...macros.map(([name, value]) =>
			element("macro", [
				["name", name],
				["value", value],
			]),
		),
		`\t<service mode="${mode}"${shape.boot === false ? "" : ' boot="on"'}>\n`,
		inner,
		"\t<user>\n",
		// The name of a macro inside a comment is no use of it.
		"\t\t<!-- %NOTHING% is exported as it is -->\n",
		...vars.map(([name, value]) =>
			element("var", [
				["name", name],
				["value", value],
			]),
		),
		"\t</user>\n",
		// `check` after `user`, which no order forbids.
		shape.check === undefined ? "" : `\t<check>\n${shape.check}\t</check>\n`,
		"\t</service>\n</safe>",
	].join("");
	return shape.crlf ? text.replaceAll("\n", "\r\n") : `${text}\n`;
}

export function mirrorConfig(shape: Shape): string {
	const { vip = "", dirs = [], rfs = "", errd = null, polltimer = "10" } = shape;
	const poll = polltimer === "" ? "" : ` polltimer="${polltimer}"`;
	const inner = [
		'\t<heart>\n\t\t<heartbeat name="default">\n\t\t</heartbeat>\n\t</heart>\n',
		vip === null
			? ""
			: `\t<vip><interface_list><interface><real_interface>\n\t\t<virtual_addr addr="${vip}" where="one_side_alias"/>\n\t</real_interface></interface></interface_list></vip>\n`,
		`\t<rfs${rfs}>\n${dirs.map((dir) => `\t\t<replicated dir="${dir}"/>\n`).join("")}\t</rfs>\n`,
		errd === null ? "" : `\t<errd${poll}>\n${errd}\t</errd>\n`,
	].join("");
	return whole("mirror", inner, shape);
}

/** `what`: APACHE or IIS. */
export function farmConfig(what: string): string {
	const inner = `\t<farm>
		<lan name="default"/>
	</farm>
	<vip>
		<interface_list>
			<interface>
				<virtual_interface type="vmac_directed">
					<virtual_addr addr="%VIRTUAL_IP%" where="alias"/>
				</virtual_interface>
			</interface>
		</interface_list>
		<loadbalancing_list>
			<group name="${what}">
				<rule port="%${what}_PORT%" proto="tcp" filter="on_addr"/>
			</group>
		</loadbalancing_list>
	</vip>
`;
	const check = `\t\t<tcp ident="${what}" when="both">\n\t\t\t<to addr="%VIRTUAL_IP%" port="%${what}_PORT%" interval="10" timeout="5"/>\n\t\t</tcp>\n`;
	return whole("farm", inner, {
		services: what === "IIS" ? "W3SVC" : "apache2",
		macros: [
			["VIRTUAL_IP", ""],
			[`${what}_PORT`, ""],
		],
		check,
	});
}

export const proc = (name: string, more = ""): string =>
	`\t\t<proc name="${name}"${more} action="restart" class="prim"/>\n`;
export const custom = (ident: string, exec: string, arg = ""): string =>
	`\t\t<custom ident="${ident}" exec="${exec}"${arg === "" ? "" : ` arg="${arg}"`} when="prim" action="restart"/>\n`;
/** A rule that nobody put in force. */
export const commentedRules =
	"\t<!--\n\t<failover><![CDATA[\n\tcustomid_failure: if (custom.apppoolcheck == down) then restart();\n\t]]></failover>\n\t-->\n";
