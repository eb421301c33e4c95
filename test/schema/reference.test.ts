import test from "ava";
import { writeReference } from "../../core/schema/reference.ts";
import { schema } from "../module/place.ts";
import { everyAttribute } from "./table/every.ts";
import { farmAttribute } from "./table/farm.ts";
import { mirrorAttribute } from "./table/mirror.ts";
import { must, none } from "./table/rows.ts";

test("the reference page has a line for each attribute of the table, with its default", (t) => {
	const page = writeReference(schema, ["mirror", "farm", "light"]);
	for (const [at, preset] of [...everyAttribute, ...mirrorAttribute, ...farmAttribute]) {
		const [, mode, path = "", name] = /^(?:(\w+):)?([^@]*)@(.*)$/.exec(at) ?? [];
		const ofMode = mode === undefined ? page : partFrom(page, `## Elements of mode ${mode}\n`, "\n## ");
		const title = new RegExp(`\\n#+ \\\`<${path.split("/").at(-1)}>\\\`\\n`);
		const sections = ofMode.split(title).slice(1);
		const cell = preset === must ? "*required*" : preset === none ? "" : `\`${preset}\``;
		const line = sections.flatMap((part) => part.split("\n")).find((each) => isLine(each, name ?? "", cell));
		t.truthy(line, at);
	}
});

function isLine(line: string, name: string, preset: string): boolean {
	const cells = line.split(" | ");
	return cells[0] === `| \`${name}\`` && cells[2] === preset && (cells[4]?.length ?? 0) > 5;
}

function partFrom(text: string, start: string, end: string): string {
	const rest = text.slice(text.indexOf(start) + start.length);
	return rest.slice(0, rest.indexOf(end));
}
