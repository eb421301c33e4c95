import test from "ava";
import type { Problem } from "../../core/errors.ts";
import type { ElementDeclaration } from "../../core/schema/declare.ts";
import { readUserconfig } from "../../core/schema/userconfig.ts";
import { schema } from "../module/place.ts";
import { Documents } from "./table/document.ts";
import { everyAttribute, everyElement } from "./table/every.ts";
import { farmAttribute, farmElement } from "./table/farm.ts";
import { mirrorAttribute, mirrorElement } from "./table/mirror.ts";
import { must, none } from "./table/rows.ts";

const attributes = [...everyAttribute, ...mirrorAttribute, ...farmAttribute];
const elements = [...everyElement, ...mirrorElement, ...farmElement];
const documents = new Documents(attributes);

/** Every element of the schema by the path that the table gives it. */
function declared(): Map<string, { element: ElementDeclaration; parent: string }> {
	const found = new Map<string, { element: ElementDeclaration; parent: string }>();
	const walk = (element: ElementDeclaration, at: string, parent: string): void => {
		found.set(at, { element, parent });
		// A <check> inside a <check> holds what the outer one holds.
		if (at === "check/check") return;
		for (const child of element.children ?? []) walk(child, `${at}/${child.name}`, element.name);
	};
	const [macro, service] = schema.safe.children as [ElementDeclaration, ElementDeclaration];
	walk(macro, "macro", "safe");
	found.set("service", {
		element: { ...service, attributes: schema.service("mirror").attributes ?? {} },
		parent: "safe",
	});
	for (const { mode, elements: own } of schema.modes.values()) {
		for (const element of schema.service(mode).children ?? []) {
			walk(element, own.includes(element) ? `${mode}:${element.name}` : element.name, "service");
		}
	}
	return found;
}

function split(at: string): { mode: string; path: string[]; attribute: string } {
	const [, mode = "mirror", path = "", attribute = ""] = /^(?:(\w+):)?([^@]*)(?:@(.*))?$/.exec(at) ?? [];
	return { mode, path: path.split("/"), attribute };
}

function problemsOf(xml: string): Problem[] {
	const bytes = new TextEncoder().encode(xml);
	const read = readUserconfig(bytes, { file: "u.xml", schema, environment: {}, purpose: "config" });
	return "problems" in read ? read.problems : read.report.problems;
}

test("the table names every element of the schema, and the schema every element of the table", (t) => {
	t.deepEqual(elements.map(([at]) => at).sort(), [...declared().keys()].sort());
});

test("the table names every attribute of the schema, and the schema every attribute of the table", (t) => {
	const known = [...declared()].flatMap(([at, { element }]) =>
		at === "check/check" ? [] : Object.keys(element.attributes ?? {}).map((name) => `${at}@${name}`),
	);
	t.deepEqual(attributes.map(([at]) => at).sort(), known.sort());
});

for (const [at, preset, dyn, accepted, bad, error] of attributes) {
	const { mode, path, attribute } = split(at);
	test(`${at}`, (t) => {
		const known = declared().get(at.slice(0, at.indexOf("@")))?.element.attributes?.[attribute];
		t.is(known?.required ?? false, preset === must);
		t.is(known?.default, preset === must || preset === none ? undefined : preset);
		t.is(known?.dyn ?? false, dyn === "dyn");
		for (const value of accepted) {
			const found = problemsOf(documents.build(mode, path, { attributes: { [attribute]: value } }));
			t.deepEqual(
				found.filter(({ severity }) => severity === "error"),
				[],
				value,
			);
		}
		const found = problemsOf(documents.build(mode, path, { attributes: { [attribute]: bad } }));
		const [problem, ...others] = found.filter(({ severity }) => severity === "error");
		t.is(problem?.message, error);
		t.is(problem?.attribute, attribute);
		t.true((problem?.column ?? 0) > 1 && problem?.line === 1);
		t.deepEqual(others, []);
	});
}

for (const [at, often, error] of elements) {
	const { mode, path } = split(at);
	test(`<${at}>`, (t) => {
		const known = declared().get(at)?.element;
		t.is(`${known?.min ?? 0}..${known?.max ?? "n"}`.replace("1..1", "1"), often);
		const elsewhere = { parent: at === "macro" ? "service" : "safe", name: path.at(-1) ?? "" } as const;
		const wrong = often.startsWith("1") ? { times: 0 } : often === "0..1" ? { times: 2 } : { elsewhere };
		const usual = problemsOf(documents.build(mode, path));
		t.deepEqual(
			usual.filter(({ severity }) => severity === "error"),
			[],
		);
		const found = problemsOf(documents.build(mode, path, wrong));
		t.true(
			found.some(({ message }) => message === error),
			JSON.stringify(found),
		);
	});
}
