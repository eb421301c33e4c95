/** Lets plugins, wherever they lie, import this project as `opensafe`. */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const sdk = join(import.meta.dirname, "../../../sdk");
const entries: Readonly<Record<string, string>> = {
	opensafe: pathToFileURL(join(sdk, "index.ts")).href,
	"opensafe/testing": pathToFileURL(join(sdk, "testing/index.ts")).href,
};

let done = false;

/** Holds for the thread that calls it, from then on. */
export function offerSdk(): void {
	if (done) return;
	done = true;
	registerHooks({
		resolve(specifier, context, next) {
			const url = entries[specifier];
			return url === undefined ? next(specifier, context) : { url, format: "module-typescript", shortCircuit: true };
		},
	});
}
