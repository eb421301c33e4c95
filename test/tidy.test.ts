/** The rules of the house, checked: sizes, direction of imports, no cycles, who may touch the operating system. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import test from "ava";

const root = join(import.meta.dirname, "..");
const topLevel = ["package.json", "tsconfig.json", "package-lock.json", "LICENSE", "README.md", "biome.json"];
const topFolders = ["core", "plugins", "module-templates", "sdk", "test", "node_modules", "dist"];
const rooms =
	"cli node cluster module schema engine heartbeat replication vip scripts checkers sandbox log api console platform";

interface Source {
	path: string;
	text: string;
	imports: { target: string; typeOnly: boolean }[];
}

function readSources(): Source[] {
	const found: Source[] = [];
	for (const folder of ["core", "plugins", "sdk", "test"]) {
		for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
			const path = relative(root, join(entry.parentPath, entry.name));
			if (!entry.isFile() || !/\.(ts|mjs|js|cjs)$/.test(path) || path.includes("node_modules")) continue;
			const text = readFileSync(join(root, path), "utf8");
			found.push({ path, text, imports: importsOf(path, text) });
		}
	}
	return found;
}

function importsOf(path: string, text: string): Source["imports"] {
	const pattern =
		/^\s*(?:import|export)\s+(type\s)?[^"'`;]*?from\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|^import\s+["']([^"']+)["']/gm;
	return [...text.matchAll(pattern)].flatMap((match) => {
		const name = match[2] ?? match[3] ?? match[4] ?? "";
		if (!name.startsWith(".")) return [];
		return [{ target: relative(root, resolve(root, dirname(path), name)), typeOnly: match[1] !== undefined }];
	});
}

const all = readSources();
const product = all.filter((source) => !source.path.startsWith("test/"));

function roomOf(path: string): string {
	const parts = path.split("/");
	if (parts[0] !== "core") return parts[0] ?? "";
	return parts.length === 2 ? "errors" : (parts[1] ?? "");
}

/** Height of a room: imports may go to the same height or lower. */
function height(room: string): number {
	if (["cli", "node", "api", "console"].includes(room)) return 3;
	if (["engine", "schema"].includes(room)) return 1;
	return room === "errors" ? 0 : 2;
}

test("the top level holds what the design names, and nothing else", (t) => {
	const extra = readdirSync(root).filter(
		(name) => !name.startsWith(".") && !topLevel.includes(name) && !topFolders.includes(name),
	);
	t.deepEqual(extra, []);
	const extraRooms = readdirSync(join(root, "core")).filter(
		(name) => !/^errors(\.ts)?$/.test(name) && !rooms.split(" ").includes(name),
	);
	t.deepEqual(extraRooms, []);
});

test("only the starter and the launcher are JavaScript", (t) => {
	const scripts = all.map((source) => source.path).filter((path) => /\.(mjs|cjs|js)$/.test(path));
	t.deepEqual(scripts.sort(), ["core/cli/safekit.mjs", "core/cli/start.mjs"]);
});

test("no file is over 400 lines", (t) => {
	const long = all.filter((source) => source.text.split("\n").length > 401).map((source) => source.path);
	t.deepEqual(long, []);
});

test("no function is over 70 lines", (t) => {
	t.deepEqual(product.flatMap(longFunctions), []);
});

/** Formatted code: a function starts on a line that ends in `{` and ends at the first line that closes at its depth. */
function longFunctions(source: Source): string[] {
	const lines = source.text.split("\n");
	const long: string[] = [];
	const head =
		/^(\t*)(?:export )?(?:default )?(?:async )?(?:function\*? |(?:private |public |protected |static |override |async |get |set |\*)*#?[\w$]+\(|(?:const|let) [\w$]+(?:: [^=]+)? = (?:async )?(?:\(|[\w$]+ =>))/;
	for (const [index, line] of lines.entries()) {
		const match = head.exec(line);
		if (match === null || /^\t*(if|for|while|switch|return|await|test|new)\b/.test(line)) continue;
		const indent = match[1] ?? "";
		if (!line.endsWith("{") && !line.endsWith("(")) continue;
		const length = lines.slice(index + 1).findIndex((next) => next.startsWith(`${indent}}`));
		if (length > 70) long.push(`${source.path}:${index + 1} has ${length} lines`);
	}
	return long;
}

test("imports go down only", (t) => {
	const wrong = product.flatMap((source) =>
		source.imports
			.filter((to) => !mayImport(source.path, to.target, to.typeOnly))
			.map((to) => `${source.path} → ${to.target}`),
	);
	t.deepEqual(wrong, []);
});

function mayImport(from: string, to: string, typeOnly: boolean): boolean {
	const [here, there] = [roomOf(from), roomOf(to)];
	if (there === "plugins") return here === "plugins";
	if (there === "sdk") return here === "plugins" || here === "sdk";
	if (here === "plugins") return false;
	if (here === "sdk") return true;
	// The operating system is reached through interfaces; only main files put the implementation in.
	if (there === "platform") return here === "platform" || height(here) === 3 || isMainFile(from);
	if (here === "platform") return typeOnly || there === "errors";
	return height(there) <= height(here);
}

/** A file that is the start of a process or of a thread. */
function isMainFile(path: string): boolean {
	return /\/(process|main|worker|[a-z]+Worker|dataThread|syncer)\.ts$/.test(path);
}

test("only what authors write imports the project by its name, which no rule of imports sees", (t) => {
	const named = product.filter(
		// What `module create` writes is an author's.
		({ path, text }) =>
			!/^(?:sdk\/examples|core\/module\/create)\//.test(path) && /^(?:import|export) .* from "opensafe/m.test(text),
	);
	t.deepEqual(
		named.map(({ path }) => path),
		[],
	);
});

test("no circular import", (t) => {
	const graph = new Map(
		product.map((source) => [source.path, source.imports.filter((to) => !to.typeOnly).map((to) => to.target)]),
	);
	const done = new Set<string>();
	const cycles: string[] = [];
	const visit = (path: string, trail: string[]): void => {
		if (trail.includes(path)) {
			cycles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
			return;
		}
		if (done.has(path)) return;
		for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
		done.add(path);
	};
	for (const path of graph.keys()) visit(path, []);
	t.deepEqual(cycles, []);
});

test("the operating system is named only in core/platform", (t) => {
	const reads = product.filter(
		(source) =>
			/process\.platform/.test(source.text) &&
			!source.path.startsWith("core/platform/") &&
			!source.path.endsWith(".mjs"),
	);
	t.deepEqual(
		reads.map((source) => source.path),
		[],
	);
});

test("the decision core has no clock, and only the command line prints", (t) => {
	const pure = product.filter((source) => /^(core\/engine|plugins)\//.test(source.path));
	t.deepEqual(
		pure
			.filter((source) =>
				/Date\.now|new Date\(\)|setTimeout|setInterval|performance\.now|Math\.random/.test(source.text),
			)
			.map((s) => s.path),
		[],
	);
	t.deepEqual(
		product
			.filter(
				(source) => /console\.(log|error|warn)/.test(source.text) && !/^(core\/cli|sdk\/demo)\//.test(source.path),
			)
			.map((s) => s.path),
		[],
	);
});

test("nothing is left to do later", (t) => {
	const later = new RegExp(`\\b(${["TO", "DO"].join("")}|${["FIX", "ME"].join("")}|X{3}(?! clnttcp))\\b`);
	t.deepEqual(
		all.filter((source) => later.test(source.text)).map((source) => source.path),
		[],
	);
});
