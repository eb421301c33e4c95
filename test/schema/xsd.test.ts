import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { writeXsd } from "../../core/schema/xsd/document.ts";
import { hasProgram } from "../../sdk/lab/prerequisites.ts";
import { schema } from "../module/place.ts";
import { farm, mirror } from "./bases.ts";
import { Documents } from "./table/document.ts";
import { everyAttribute } from "./table/every.ts";
import { farmAttribute } from "./table/farm.ts";
import { mirrorAttribute } from "./table/mirror.ts";

const root = join(import.meta.dirname, "../..");
const able = hasProgram("xmllint");
const withXmllint = able ? test : test.skip;
const title = able ? "" : " (needs xmllint of libxml2-utils)";
const folder = mkdtempSync(join(tmpdir(), "xsd-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** Which of the texts the XSD of a mode (or of all) takes. */
function verdicts(mode: string | undefined, texts: readonly string[]): boolean[] {
	const place = mkdtempSync(join(folder, "run-"));
	writeFileSync(join(place, "schema.xsd"), writeXsd(schema.root(mode)));
	mkdirSync(join(place, "files"));
	const files = texts.map((text, index) => {
		writeFileSync(join(place, "files", `${index}.xml`), text);
		return `${index}.xml`;
	});
	const options = { cwd: join(place, "files"), encoding: "utf8", maxBuffer: 64 << 20 } as const;
	const { stderr } = spawnSync("xmllint", ["--noout", "--schema", "../schema.xsd", ...files], options);
	const said = new Set(stderr.split("\n"));
	return files.map((file) => {
		const valid = said.has(`${file} validates`);
		if (!valid && !said.has(`${file} fails to validate`)) throw new Error(stderr.slice(0, 2000));
		return valid;
	});
}

const templates = [
	...readdirSync(join(root, "module-templates")).map((name) => join(root, "module-templates", name)),
	join(root, "sdk/demo/module"),
].map((path) => readFileSync(join(path, "conf/userconfig.xml"), "utf8"));

withXmllint(`the XSD takes the configuration of every template${title}`, (t) => {
	t.true(templates.length > 2);
	t.deepEqual(
		verdicts(undefined, templates),
		templates.map(() => true),
	);
	for (const text of templates) {
		const mode = / mode="(\w+)"/.exec(text)?.[1] ?? "";
		t.deepEqual(verdicts(mode, [text]), [true]);
		t.deepEqual(verdicts(mode === "farm" ? "light" : "farm", [text]), [false]);
	}
});

/** What people get wrong, as a replacement in one of the two configurations. */
const mistakes: readonly [what: string, base: string, from: string, to: string][] = [
	["no service", farm, farm.slice(farm.indexOf("<service"), farm.indexOf("</safe>")), ""],
	["two services", farm, "</safe>", '<service mode="farm"/></safe>'],
	["no mode", mirror, ' mode="mirror"', ""],
	["an unknown mode", mirror, 'mode="mirror"', 'mode="cluster"'],
	["an unknown element", mirror, "<user ", "<users/><user "],
	["a mistyped element", mirror, '<heartbeat name="default"', '<hearbeat name="default"'],
	["an unknown attribute", mirror, 'async="second"', 'asynch="second"'],
	["a wrong word", mirror, 'async="second"', 'async="secondary"'],
	["yes for on", mirror, 'check="on"', 'check="yes"'],
	["capitals", mirror, 'boot="on"', 'boot="ON"'],
	["a negative number", mirror, 'maxloop="3"', 'maxloop="-3"'],
	["a number with a unit", mirror, 'maxloop="3"', 'maxloop="3h"'],
	["a time that its unit rounds to nothing", mirror, 'boot_delay="10"', 'boot_delay="500ms"'],
	["an unknown unit", mirror, 'loop_interval="24h"', 'loop_interval="24hours"'],
	["a time that is too short", mirror, 'pulse="700ms"', 'pulse="5ms"'],
	["a port that is none", mirror, 'port="80"', 'port="80000"'],
	["an address that is none", mirror, 'to addr="10.0.0.9"', 'to addr="10.0.0.900"'],
	["a relative directory", mirror, 'dir="/var/lib/x"', 'dir="var/lib/x"'],
	["a directory with ..", mirror, 'dir="/var/lib/x"', 'dir="/var/../x"'],
	["an excluded path outside", mirror, 'path="log"', 'path="../log"'],
	["an exclusion of nothing", mirror, '<notreplicated path="log"/>', "<notreplicated/>"],
	["an exclusion twice", mirror, 'path="log"', 'path="log" regexpath="l.*"'],
	["no directory", mirror, ' dir="/var/lib/x"', ""],
	["two rfs", mirror, "<errd ", '<rfs><replicated dir="/b"/></rfs><errd '],
	["a variable twice", mirror, "</user>", '<var name="SERVICES" value=""/></user>'],
	["two checkers of one name", mirror, "<splitbrain", '<custom ident="c" when="prim" exec="d"/><splitbrain'],
	["two heartbeats of one name", mirror, "</heart>", '<heartbeat name="b" ident="flow"/></heart>'],
	["a checker of nothing", mirror, "<splitbrain", '<ping ident="p"/><splitbrain'],
	["text between elements", mirror, "<errd ", "errd:<errd "],
	["an element in the wrong place", mirror, "<check>", '<check><proc name="x"/>'],
	["a rule without protocol", farm, ' proto="tcp"', ""],
	["a weight that is none", farm, 'power="64"', 'power="most"'],
	["a node twice", farm, 'name="n2"', 'name="n1"'],
	["the address of a mirror in a farm", farm, 'where="alias"', 'where="on_all"'],
	["a mask that is none", mirror, 'where="one_side_alias"', 'netmask="255.0.255.0"'],
];

withXmllint(`the XSD rejects each of ${mistakes.length} mistakes${title}`, (t) => {
	t.deepEqual(verdicts(undefined, [mirror, farm]), [true, true]);
	t.true(mistakes.length >= 30);
	for (const [what, base, from] of mistakes) t.is(base.split(from).length, 2, what);
	const found = verdicts(
		undefined,
		mistakes.map(([, base, from, to]) => base.replace(from, to)),
	);
	t.deepEqual(
		mistakes.filter((_, index) => found[index]).map(([what]) => what),
		[],
	);
});

withXmllint(`the XSD of a mode demands what only that mode has${title}`, (t) => {
	const heart = mirror.slice(mirror.indexOf("<heart "), mirror.indexOf("<vip>"));
	t.deepEqual(verdicts("mirror", [mirror, mirror.replace(heart, ""), farm]), [true, false, false]);
	const alias = farm.replace('where="alias"', 'where="one_side_alias"');
	t.deepEqual(verdicts("farm", [farm, alias, farm.replace("<user/>", heart)]), [true, false, false]);
	t.deepEqual(verdicts("light", [farm]), [false]);
});

withXmllint(`children stand in any order, blanks and macros may be filled in later${title}`, (t) => {
	const orders = [
		'<safe><service mode="mirror"><user/><heart><heartbeat name="a"/><heartbeat name="b"/></heart></service><macro name="A" value=""/></safe>',
		'<safe><service mode="mirror"><rfs><replicated dir=""/><flow name="a"/><replicated dir="%B%"/></rfs><heart><heartbeat name="a"/></heart></service></safe>',
		'<safe><service mode="mirror"><check><splitbrain ident="s" exec="ping" arg="a"/><tcp ident="" when="prim"><to port="" addr="%VIP%"/></tcp></check></service></safe>',
		'<safe><macro name=" " value=" "/><service mode="%MODE%" maxloop="" boot_delay=" 1.5 m "/></safe>',
	];
	t.deepEqual(
		verdicts(undefined, orders),
		orders.map(() => true),
	);
});

/** What an editor cannot know: regular expressions, and what only `config` refuses. */
const beyond = (bad: string, at: string): boolean => bad === "" || bad === "%NONE%" || /regex/.test(at);
/** What is wrong in one mode and right in another. */
const ofOneMode = /:vip\/.*@(where|type) /;

withXmllint(`the XSD and the validator agree on every value of the table${title}`, (t) => {
	const rows = [...everyAttribute, ...mirrorAttribute, ...farmAttribute];
	const documents = new Documents(rows);
	const cases = rows.flatMap(([at, , , accepted, bad]) => {
		const [, mode = "mirror", path = "", attribute = ""] = /^(?:(\w+):)?([^@]*)@(.*)$/.exec(at) ?? [];
		const build = (value: string): string =>
			documents.build(mode, path.split("/"), { attributes: { [attribute]: value } });
		return [
			...accepted.map((value) => ({ mode, what: `${at} ${value}`, text: build(value), valid: true })),
			...(beyond(bad, at) ? [] : [{ mode, what: `${at} ${bad}`, text: build(bad), valid: false }]),
		];
	});
	for (const mode of [undefined, "mirror", "farm"]) {
		const own = cases.filter((each) => (mode === undefined ? !ofOneMode.test(each.what) : each.mode === mode));
		const found = verdicts(
			mode,
			own.map(({ text }) => text),
		);
		const wrong = own.filter(({ valid }, index) => found[index] !== valid).map(({ what }) => what);
		t.deepEqual(wrong, [], mode);
	}
});
