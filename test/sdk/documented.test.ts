/** What authors can import is explained: each name, each unit, each error, and each value with an example. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import test from "ava";
import { authorOptions } from "../../core/module/author/tsconfig.ts";
import { makeTestFolder } from "../folder.ts";

const root = join(import.meta.dirname, "../..");

interface Exported {
	file: string;
	name: string;
	is: "function" | "class" | "const" | "type";
	/** Text of its comment, without stars. */
	doc: string;
	/** From its name on. */
	source: string;
}

const declaration =
	/(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:\/\/[^\n]*\s*)*)?^export (?:declare )?(?:async )?(function|const|class|interface|type) (\w+)/gm;

/** Declarations that a file exports itself, by name. */
function ownOf(file: string): Map<string, Exported> {
	const text = readFileSync(file, "utf8");
	const found = new Map<string, Exported>();
	for (const match of text.matchAll(declaration)) {
		const [whole, doc = "", what = "", name = ""] = match;
		const rest = text.slice((match.index ?? 0) + whole.length);
		const end = /^(?:export |\/\*\*)/m.exec(rest)?.index ?? rest.length;
		const is = what === "interface" || what === "type" ? "type" : (what as Exported["is"]);
		const plain = doc.replace(/^\s*\* ?/gm, "").trim();
		found.set(name, { file: relative(root, file), name, is, doc: plain, source: rest.slice(0, end) });
	}
	return found;
}

/** All that an entry exports, through whatever files. */
function exportsOf(entry: string): Exported[] {
	const text = readFileSync(entry, "utf8");
	const found = [...ownOf(entry).values()];
	for (const [, star, names = "", from = ""] of text.matchAll(
		/^export (?:type )?(?:(\*)|\{([^}]*)\}) from "(\.[^"]+)";/gm,
	)) {
		const file = join(dirname(entry), from);
		if (star !== undefined) found.push(...exportsOf(file));
		else {
			const all = new Map(exportsOf(file).map((each) => [each.name, each]));
			for (const name of names.split(",").map((each) => each.trim().replace(/^type /, ""))) {
				const one = name === "" ? undefined : all.get(name);
				if (one !== undefined) found.push(one);
				else if (name !== "") throw new Error(`${file} exports no ${name}`);
			}
		}
	}
	return found;
}

const all = ["index", "testing/index"].flatMap((name) => exportsOf(join(root, `sdk/${name}.ts`)));
const values = all.filter(({ is }) => is !== "type");

test("every name has an explanation, and every value an example", (t) => {
	t.true(all.length > 150, `${all.length} names`);
	const bare = all.filter(({ doc }) => doc.length < 10);
	t.deepEqual(
		bare.map(({ file, name }) => `${file}: ${name}`),
		[],
	);
	const without = values.filter(({ doc }) => !/@example\n\S/.test(doc));
	t.deepEqual(
		without.map(({ file, name }) => `${file}: ${name}`),
		[],
	);
});

test("what a function throws stands in its comment", (t) => {
	const silent = values.filter(
		({ is, source, doc }) => is === "function" && /\bthrow new/.test(source) && !/@throws|throws/i.test(doc),
	);
	t.deepEqual(
		silent.map(({ file, name }) => `${file}: ${name}`),
		[],
	);
});

test("every number has a unit in its name or an explanation", (t) => {
	const counted =
		/^(?:term|beat|id|number|plan|plans|count|maxloop|request|line|column|files|port|bytes|of|min|max|chars)$/;
	const unclear = all.flatMap(({ file, name, source, is }) => {
		if (is !== "type") return [];
		const lines = source.split("\n");
		return lines.flatMap((line, index) => {
			const member = /^\t(?:readonly )?(\w+)\??: (?:number|number \| null);/.exec(line)?.[1];
			if (member === undefined || /(?:Ms|Bytes|Kb|Mb|S)$/.test(member) || counted.test(member)) return [];
			return /\*\/\s*$/.test(lines[index - 1] ?? "") ? [] : [`${file}: ${name}.${member}`];
		});
	});
	t.deepEqual(unclear, []);
});

test("examples that stand alone compile", (t) => {
	const folder = makeTestFolder("examples");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	mkdirSync(join(folder, "bin"));
	const examples = values.flatMap(({ name, doc }) => {
		const text = /@example\n([\s\S]*?)(?=\n@|$)/.exec(doc)?.[1] ?? "";
		return text.startsWith("import ") ? [{ name, text }] : [];
	});
	t.true(examples.some(({ name }) => name === "definePlugin"));
	for (const { name, text } of examples) writeFileSync(join(folder, `bin/${name}.ts`), `${text}\n`);
	const compilerOptions = authorOptions("node");
	writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["bin"] }));
	const ran = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
	t.is(ran.stdout + ran.stderr, "");
});
