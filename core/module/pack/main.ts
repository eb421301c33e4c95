/** `npm run package [-- FOLDER]`: packs every module template as a `.safe`, into dist/ by default. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { errorAsText } from "../../log/errorTexts.ts";
import { packTemplates } from "./templates.ts";

const root = join(import.meta.dirname, "../../..");
const target = resolve(process.argv[2] ?? join(root, "dist"));

try {
	await mkdir(target, { recursive: true });
	for (const file of await packTemplates(join(root, "module-templates"), target)) process.stdout.write(`${file}\n`);
} catch (error) {
	process.stderr.write(errorAsText(error));
	process.exitCode = 1;
}
