/**
 * `xpathGet <xpath> <file>`: prints what the expression finds, one line each, text only. No match: nothing is
 * printed and the exit code is 1. Scripts read module settings from safeconf.xml with it (spec/09 §5).
 */
import { readFileSync } from "node:fs";
import { readXml } from "../../schema/xml/document.ts";
import { findTexts, parseXPath } from "../xpath.ts";

const [expression, file, ...rest] = process.argv.slice(2);
if (expression === undefined || file === undefined || rest.length > 0) end(2, "usage: xpathGet <xpath> <file>");
const xpath = parseXPath(expression);
if (xpath === null)
	end(2, `xpathGet: ${expression}: expected an expression such as //user/var[@name='SERVICES']/@value`);
const document = readXml(readFile(file), file);
if (!("root" in document)) end(1, `xpathGet: ${file}: ${document.message}`);
const texts = findTexts(document.root, xpath);
process.stdout.write(texts.map((text) => `${text}\n`).join(""));
process.exitCode = texts.length === 0 ? 1 : 0;

function readFile(path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (error) {
		end(1, `xpathGet: ${(error as Error).message}`);
	}
}

function end(code: number, message: string): never {
	process.stderr.write(`${message}\n`);
	process.exit(code);
}
