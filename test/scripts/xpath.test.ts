import test from "ava";
import fc from "fast-check";
import { readXml } from "../../core/schema/xml/document.ts";
import { findTexts, parseXPath } from "../../core/scripts/xpath.ts";

const text = `<?xml version="1.0"?>
<safe>
	<service mode="mirror">
		<rfs><replicated dir="/a"/><replicated dir="/b &amp; c"/></rfs>
		<user>
			<var name="SERVICES" value="s1, s2"/>
			<var name="EMPTY" value=""/>
			<var name="DEEP"><user><var name="INNER" value="in"/></user> text </var>
		</user>
	</service>
</safe>`;
const document = readXml(Buffer.from(text), "safeconf.xml");

function find(expression: string): string[] | null {
	const xpath = parseXPath(expression);
	if (!("root" in document)) throw new Error(document.message);
	return xpath === null ? null : findTexts(document.root, xpath);
}

test("the expressions that module scripts use", (t) => {
	t.deepEqual(find("//user/var[@name='SERVICES']/@value"), ["s1, s2"]);
	t.deepEqual(find('//user/var[@name="SERVICES"]/@value'), ["s1, s2"]);
	t.deepEqual(find("/safe/service/@mode"), ["mirror"]);
	t.deepEqual(find("safe/service/user/var[ @name = 'SERVICES' ]/@value"), ["s1, s2"]);
	t.deepEqual(find("//replicated/@dir"), ["/a", "/b & c"]);
	t.deepEqual(find("//replicated[2]/@dir"), ["/b & c"]);
	t.deepEqual(find("//var[@value]/@name"), ["SERVICES", "EMPTY", "INNER"]);
	t.deepEqual(find("/safe/*/user/var[@name='EMPTY']/@value"), [""]);
	t.deepEqual(find("//@mode"), ["mirror"]);
	t.deepEqual(find("//var[@name='DEEP']/text()"), ["text"]);
	t.deepEqual(find("//user//var[@name='INNER']/@value"), ["in"]);
});

test("what is not there gives nothing, and other expressions are refused", (t) => {
	t.deepEqual(find("//user/var[@name='OTHER']/@value"), []);
	t.deepEqual(find("/service/@mode"), []);
	for (const expression of [
		"",
		"/",
		"//",
		"count(//var)",
		"//var[",
		"//var[@name='x]/@value",
		"//var/@a/@b",
		"//var | //user",
		"//var[position()=1]",
	]) {
		t.is(find(expression), null, expression);
	}
});

test("no expression hangs or throws", (t) => {
	const parts = fc.constantFrom(
		"/",
		"//",
		"var",
		"*",
		"@value",
		"[",
		"]",
		"'",
		'"',
		"=",
		"1",
		" ",
		"text()",
		"[@a='b']",
		"[1]",
		"x",
	);
	fc.assert(
		fc.property(fc.array(parts, { maxLength: 40 }), (words) => {
			const found = find(words.join(""));
			return found === null || found.every((one) => typeof one === "string");
		}),
	);
	t.is(find(`//${"a".repeat(2000)}`), null);
	const before = Date.now();
	find(`//a${"[ ".repeat(450)}`);
	t.true(Date.now() - before < 2000);
});
