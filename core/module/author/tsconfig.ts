/** What an editor and the TypeScript compiler need to know in a module's or plugin's own folder. */
import { join } from "node:path";

/** The checkout that the product runs from. */
const root = join(import.meta.dirname, "../../..");

/**
 * `compilerOptions` with which `import … from "opensafe"` is understood. `where` "checker": code for the sandbox, which
 * has nothing of Node; "node": tests and plugins.
 */
export function authorOptions(where: "checker" | "node"): Record<string, unknown> {
	return {
		target: "esnext",
		lib: ["esnext"],
		module: "esnext",
		// The folder needs no package.json to say that its files are modules.
		moduleResolution: "bundler",
		moduleDetection: "force",
		strict: true,
		noEmit: true,
		allowImportingTsExtensions: true,
		erasableSyntaxOnly: true,
		verbatimModuleSyntax: true,
		skipLibCheck: true,
		types: where === "node" ? ["node"] : [],
		typeRoots: [join(root, "node_modules/@types")],
		paths: {
			opensafe: [join(root, where === "node" ? "sdk/index.ts" : "sdk/checkers.ts")],
			...(where === "node" ? { "opensafe/testing": [join(root, "sdk/testing/index.ts")] } : {}),
		},
	};
}

/** The tsconfig.json that `module create` writes: editors complete and check `bin/**.ts` and `tests/**.ts` with it. */
export function authorTsconfig(): string {
	const config = { compilerOptions: authorOptions("node"), include: ["bin", "tests"] };
	return `${JSON.stringify(config, null, "\t")}\n`;
}
