/** Reads PowerShell scripts with tree-sitter, whose grammar is that of Windows PowerShell 5, the one that runs them. */
import { createRequire } from "node:module";
import { LineIndex } from "../../../../schema/xml/element.ts";
import { type Finding, findingAt, type Source } from "../source.ts";
import { unbalanced } from "./brackets.ts";

const timeoutMs = 10_000;
const maxFaults = 5;
const maxShown = 40;
const require = createRequire(import.meta.url);

type TreeSitter = typeof import("@vscode/tree-sitter-wasm");
type Parser = InstanceType<TreeSitter["Parser"]>;
type Node = NonNullable<ReturnType<Parser["parse"]>>["rootNode"];

let parser: Promise<Parser> | undefined;

async function load(): Promise<Parser> {
	const { Parser, Language } = require("@vscode/tree-sitter-wasm") as TreeSitter;
	await Parser.init();
	const made = new Parser();
	made.setLanguage(await Language.load(require.resolve("@vscode/tree-sitter-wasm/wasm/tree-sitter-powershell.wasm")));
	return made;
}

/**
 * Brackets and quotes that do not close are errors. The grammar does not know everything that PowerShell reads, so the
 * rest is a warning.
 */
export async function powershellFindings({ text }: Source): Promise<Finding[]> {
	parser ??= load();
	const lines = new LineIndex(text);
	const giveUpAt = performance.now() + timeoutMs;
	const tree = (await parser).parse(text, null, { progressCallback: () => performance.now() > giveUpAt });
	if (tree === null) return [];
	try {
		if (!tree.rootNode.hasError) return [];
		const open = unbalanced(text);
		if (open !== null) {
			const { offset, message } = open;
			return [findingAt(lines, offset, { code: "LINT_SYNTAX", severity: "error", message })];
		}
		return faults(tree.rootNode).map((node) => asFinding(node, lines));
	} finally {
		tree.delete();
	}
}

function asFinding(node: Node, lines: LineIndex): Finding {
	const shown = node.text.split("\n")[0]?.trim().slice(0, maxShown) ?? "";
	const message = node.isMissing ? `${node.type} is missing here` : `PowerShell does not read this: ${shown}`;
	return findingAt(lines, node.startIndex, { code: "LINT_SYNTAX", message });
}

/** The smallest pieces that do not fit, in the order of the file. */
function faults(root: Node): Node[] {
	const found: Node[] = [];
	const look = (node: Node): void => {
		if (found.length >= maxFaults || !(node.hasError || node.isMissing)) return;
		const before = found.length;
		for (const child of node.children) if (child !== null) look(child);
		if (found.length === before && (node.isError || node.isMissing)) found.push(node);
	};
	look(root);
	return found;
}
