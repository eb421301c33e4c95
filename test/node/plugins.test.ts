/** Plugins of others: what they may bring, and that none of their mistakes reaches the node. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import test, { type ExecutionContext } from "ava";
import { asSafekitError } from "../../core/errors.ts";
import { checkPackage } from "../../core/module/check.ts";
import { adviceOf } from "../../core/node/plugins/advice.ts";
import { collectPlugin } from "../../core/node/plugins/collect.ts";
import { loadPlugins, type Plugins, schemaOf } from "../../core/node/plugins/load.ts";
import { offerSdk } from "../../core/node/plugins/resolve.ts";
import { makeTestFolder } from "../folder.ts";

// One after the other: each starts threads of its own.
const one = test.serial;

/** A plugin's index.ts with its setup. */
function source(name: string, setup: string, head = "", core = "^0.1"): string {
	return `import { definePlugin } from "opensafe";
${head}
export default definePlugin({ name: "${name}", version: "1.0.0", requires: { core: "${core}" }, setup(kernel) { ${setup} } });
`;
}

const kind = (name: string, body: string) =>
	`kernel.checkers.add({ name: "${name}", doc: "Tests.", attributes: {}, test: async (target, signal) => { ${body} } });`;
const element = (name: string) => `kernel.elements.add({ name: "${name}", doc: "An element." });`;

/** `$SAFE` with plugins: each a text for index.ts, or several files. */
function place(t: ExecutionContext, plugins: Record<string, string | Record<string, string>>): string {
	const safe = makeTestFolder("plugins");
	t.teardown(() => rmSync(safe, { recursive: true, force: true }));
	for (const [name, files] of Object.entries(plugins)) {
		for (const [file, text] of Object.entries(typeof files === "string" ? { "index.ts": files } : files)) {
			const path = join(safe, "plugins", name, file);
			mkdirSync(dirname(path), { recursive: true });
			writeFileSync(path, text);
		}
	}
	return safe;
}

async function load(t: ExecutionContext, safe: string, times = {}): Promise<Plugins> {
	// Other tests may keep the machine busy.
	const plugins = await loadPlugins(safe, { loadMs: 60_000, adviseMs: 60_000, ...times });
	t.teardown(() => Promise.all(plugins.loaded.map(({ host }) => host?.stop())));
	return plugins;
}

function failuresOf(plugins: Plugins): Record<string, string> {
	const entries = plugins.failures.map(({ folder, error }) => [
		folder.split("/").at(-1),
		asSafekitError(error).message,
	]);
	return Object.fromEntries(entries);
}

one("what fails to load is said, and all the others run", async (t) => {
	const safe = place(t, {
		good: source("good", kind("mqtt", "return { up: true, why: 'fine' };")),
		syntax: "export default {{",
		throws: source("throws", 'throw new Error("no luck");'),
		noindex: { "README.md": "" },
		old: source("old", "", "", "^9.2"),
		exits: "process.exit(3);",
		thrown: "throw null;",
	});
	const plugins = await load(t, safe);
	t.deepEqual(
		plugins.loaded.map(({ name, own }) => [name, own]),
		[
			["farm", true],
			["light", true],
			["mirror", true],
			["good", false],
		],
	);
	const said = failuresOf(plugins);
	const expected: Record<string, RegExp> = {
		syntax: /Expression expected|Unexpected|Expected/,
		throws: /^no luck$/,
		noindex: /has no index\.ts/,
		old: /^plugin old 1\.0\.0 needs core \^9\.2, this is core \d/,
		exits: /it ended by itself \(3\)/,
		thrown: /without a message/,
	};
	t.deepEqual(Object.keys(said).sort(), Object.keys(expected).sort());
	for (const [name, pattern] of Object.entries(expected)) t.regex(said[name] ?? "", pattern, name);
});

const declares = (type: string) =>
	`kernel.elements.add({ name: 'x', doc: 'y', attributes: { a: { type: ${type}, doc: 'z' } } });`;
const plain = (name: string, rest: string) => `export default { name: "${name}", ${rest} };`;

/** Folder of the plugin, its index.ts, and what is said of it. */
const wrong: [name: string, text: string, said: RegExp][] = [
	["import", 'import "./missing.ts";', /Cannot find module .*missing\.ts/],
	["npm", 'import "no-such-package-anywhere";', /Cannot find package 'no-such-package-anywhere'/],
	["nothing", "export const x = 1;", /no default export made by definePlugin/],
	["string", 'export default "hello";', /no default export made by definePlugin/],
	["empty", "", /the plugin: name: Invalid input/],
	["name", source("Not A Name", ""), /the plugin: name: has to be lower-case/],
	["version", plain("a", 'version: "1", requires: { core: "*" }, setup() {}'), /version: is no semantic version/],
	["requires", plain("a", 'version: "1.0.0", setup() {}'), /requires: Invalid input/],
	["setup", plain("a", 'version: "1.0.0", requires: { core: "*" }'), /setup: is no function/],
	["element", source("a", declares("{ is: 'nonsense' }")), /element x: attributes\.a\.type/],
	[
		"pattern",
		source("a", declares("{ is: 'pattern', pattern: '(', expected: '' }")),
		/element x: attributes\.a\.type\.pattern/,
	],
	[
		"function",
		source("a", declares("{ is: 'choice', values: [() => 1] }")),
		/element x: attributes\.a\.type\.values\.0/,
	],
	[
		"kind",
		source("a", 'kernel.checkers.add({ name: "kind", doc: "x", attributes: {} });'),
		/checker kind: test: is no function/,
	],
	[
		"mode",
		source("a", 'kernel.modes.add({ automaton: { mode: "mirror" }, uses: [] });'),
		/mode mirror: automaton\.initial/,
	],
	[
		"template",
		source("a", 'kernel.catalogue.add({ name: "t", doc: "x", folder: "none" });'),
		/template t: none has no conf\/userconfig\.xml/,
	],
	[
		"outside",
		source("a", 'kernel.catalogue.add({ name: "t", doc: "x", folder: "../sibling" });'),
		/template t: \.\.\/sibling is not below the plugin's folder/,
	],
];

one("what is no plugin is named with what is wrong", async (t) => {
	const safe = place(t, {
		sibling: { "conf/userconfig.xml": "" },
		...Object.fromEntries(wrong.map(([name, text]) => [name, text])),
	});
	offerSdk();
	for (const [name, , said] of wrong) {
		const error = await t.throwsAsync(collectPlugin(join(safe, "plugins", name)), { instanceOf: Error }, name);
		t.regex(error?.message ?? "", said, name);
	}
});

one("an import or setup that never ends costs its time once, and is left out", async (t) => {
	const safe = place(t, {
		awaits: "await new Promise((resolve) => setInterval(() => {}, 1000)); export default {};",
		loop: source("loop", "while (true);"),
		promise: source("promise", "return new Promise(() => setInterval(() => {}, 1000));"),
		good: source("good", element("good")),
	});
	const begun = performance.now();
	const plugins = await load(t, safe, { loadMs: 12_000 });
	const tookMs = performance.now() - begun;
	t.deepEqual(
		plugins.loaded.map(({ name }) => name),
		["farm", "light", "mirror", "good"],
	);
	t.deepEqual(Object.values(failuresOf(plugins)), Array(3).fill("import and setup did not end within 12 s"));
	t.true(tookMs < 2 * 12_000, `${tookMs} ms`);
});

one("a name that exists is not taken over: plugin, mode, element, checker, template", async (t) => {
	const template = {
		"index.ts": source("z1", 'kernel.catalogue.add({ name: "t", doc: "x", folder: "t" });'),
		"t/conf/userconfig.xml": "",
	};
	const safe = place(t, {
		a1: source("a1", `${element("mine")}${kind("mqtt", "return { up: true, why: '' };")}`),
		b1: source("b1", element("mine")),
		b2: source("b2", element("rfs")),
		b3: source("b3", element("check")),
		c1: source("c1", kind("mqtt", "return { up: true, why: '' };")),
		c2: source("c2", kind("tcp", "return { up: true, why: '' };")),
		c3: source("c3", kind("one", "return { up: true, why: '' };").repeat(2)),
		d1: source("mirror", element("other")),
		e1: source(
			"e1",
			"kernel.modes.add({ automaton: { mode: 'light', initial() {}, decide() {}, assertInvariants() {}, announce() {}, view() {} }, uses: [] });",
		),
		z1: template,
		z2: { ...template, "index.ts": template["index.ts"].replace('"z1"', '"z2"') },
	});
	const plugins = await load(t, safe);
	t.deepEqual(
		plugins.loaded.filter(({ own }) => !own).map(({ name }) => name),
		["a1", "z1"],
	);
	t.deepEqual(failuresOf(plugins), {
		b1: "plugin b1 brings element mine, which exists",
		b2: "plugin b2 brings element rfs, which exists",
		b3: "plugin b3 brings element check, which exists",
		c1: "plugin c1 brings checker mqtt, which exists",
		c2: "plugin c2 brings checker tcp, which exists",
		c3: "plugin c3 brings checker one, which exists",
		d1: "another plugin is called mirror",
		e1: "plugin e1 brings mode light, which exists",
		z2: "plugin z2 brings template t, which exists",
	});
	t.is(plugins.modes.get("light")?.automaton.mode, "light");
});

one("tests that throw, hang, loop or end the thread are answered, and the next test has a new thread", async (t) => {
	const bodies = `switch (target.values.do) {
		case "up": return { up: true, why: "fine" };
		case "throw": throw new Error("broken pipe");
		case "null": return null;
		case "words": return { up: false, why: "x".repeat(10_000) };
		case "never": return new Promise(() => {});
		case "later": setTimeout(() => { throw new Error("later"); }, 0); return new Promise(() => {});
		case "exit": process.exit(7);
		case "memory": { const all = []; for (;;) all.push(new Array(1e5).fill(0)); }
		case "loop": while (true);
	}`;
	const safe = place(t, { bad: source("bad", kind("bad", bodies)) });
	const plugins = await load(t, safe, { blockedMs: 500, backOffMs: 1 });
	const { host } = plugins.loaded.find(({ name }) => name === "bad") as Plugins["loaded"][number];
	const ask = (what: string, ms = 10_000) =>
		(host as NonNullable<typeof host>).test(
			"bad",
			{ module: "m", values: { do: what }, elements: {} },
			AbortSignal.timeout(ms),
		);
	const up = { up: true, why: "fine" };
	t.deepEqual(await ask("up"), up);
	await t.throwsAsync(ask("throw"), { message: "broken pipe" });
	await t.throwsAsync(ask("null"), { message: "the test answered neither up nor down" });
	t.is((await ask("words")).why.length, 300);
	await t.throwsAsync(ask("never", 100), { message: "no answer in time" });
	t.deepEqual(await ask("up"), up);
	for (const [what, ms, why] of [
		["later", 10_000, /later/],
		["exit", 10_000, /it ended by itself \(7\)/],
		["memory", 20_000, /memory/i],
		["loop", 100, /it did not give way/],
	] as const) {
		await t.throwsAsync(ask(what, ms), { message: why });
		let answer: unknown;
		// The back-off is over soon.
		while (answer === undefined) answer = await ask("up").catch(() => undefined);
		t.deepEqual(answer, up, `after ${what}`);
	}
});

one("a thread that keeps dying is left alone for longer and longer", async (t) => {
	const safe = place(t, { bad: source("bad", kind("bad", "process.exit(1);")) });
	const plugins = await load(t, safe, { backOffMs: 60_000 });
	const host = plugins.loaded.at(-1)?.host;
	const target = { module: "m", values: {}, elements: {} };
	await t.throwsAsync(async () => host?.test("bad", target, AbortSignal.timeout(10_000)), {
		message: /ended by itself/,
	});
	await t.throwsAsync(async () => host?.test("bad", target, AbortSignal.timeout(10_000)), {
		message: /plugin .*bad ended: it ended by itself \(1\)/,
	});
});

one("advice finds, throws, hangs and lies, and the check goes on", async (t) => {
	const advise = (body: string) => `kernel.advice.add(async (module) => { ${body} });`;
	const safe = place(t, {
		good: source(
			"good",
			`${advise("const [user] = module.service.children; return [{ message: module.files.map((f) => f.name + ':' + f.text?.length).join(), remedy: 'r', at: user }];")}
			${advise("return [{ severity: 'error', message: 'bad script', remedy: 'mend it', file: 'bin/start_both', line: 2 }];")}`,
		),
		throws: source("throws", advise("throw new Error('oops');")),
		loops: source("loops", advise("while (true);")),
		lies: source("lies", advise("return 7;")),
	});
	const module = join(safe, "m");
	mkdirSync(join(module, "conf"), { recursive: true });
	mkdirSync(join(module, "bin"));
	writeFileSync(join(module, "conf/userconfig.xml"), '<safe>\n<service mode="light">\n  <user/>\n</service></safe>\n');
	writeFileSync(join(module, "bin/start_both"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
	writeFileSync(join(module, "bin/stop_both"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
	const { loaded } = await load(t, safe, { adviseMs: 5000, blockedMs: 300 });
	const report = await checkPackage(module, schemaOf(loaded), {}, { pluginAdvice: adviceOf(loaded) });
	const ofPlugins = report.problems.filter(({ code }) => /^PLUGIN_/.test(code));
	t.deepEqual(
		ofPlugins.map(({ code, severity, message, file, line }) => [
			code,
			severity,
			message,
			file?.slice(module.length + 1),
			line,
		]),
		[
			[
				"PLUGIN_ADVICE",
				"warning",
				"bin/start_both:17,bin/stop_both:17,conf/userconfig.xml:58 (plugin good)",
				"conf/userconfig.xml",
				3,
			],
			["PLUGIN_ADVICE", "error", "bad script (plugin good)", "bin/start_both", 2],
			["PLUGIN_FAILED", "warning", "the advice of plugin lies failed: it is no list of findings", "", undefined],
			["PLUGIN_FAILED", "warning", "the advice of plugin loops failed: it did not give way", "", undefined],
			["PLUGIN_FAILED", "warning", "the advice of plugin throws failed: oops", "", undefined],
		] as never,
	);
	t.false(report.ok);
});

one("a plugin may be a link to where its author works, have files of its own, and use Node", async (t) => {
	const safe = place(t, {
		"../author": {
			"index.ts": source(
				"linked",
				"kernel.elements.add(mine);",
				'import { mine } from "./elements.ts"; import { join } from "node:path"; join("a");',
			),
			"elements.ts":
				'import { type ElementDeclaration, onOff } from "opensafe";\nexport const mine: ElementDeclaration = { name: "mine", doc: "x", attributes: { a: { type: onOff, doc: "y" } } };\n',
		},
	});
	mkdirSync(join(safe, "plugins/node_modules"), { recursive: true });
	symlinkSync(join(safe, "author"), join(safe, "plugins/linked"));
	writeFileSync(join(safe, "plugins/README.md"), "");
	const plugins = await load(t, safe);
	t.deepEqual(failuresOf(plugins), {});
	t.deepEqual(
		plugins.loaded.at(-1)?.elements.map(({ name }) => name),
		["mine"],
	);
	const service = schemaOf(plugins.loaded).service("light");
	t.truthy(service.children?.find(({ name }) => name === "mine"));
});

one("a mode of a plugin is one of those that a module may have", async (t) => {
	const mode = `const automaton = { mode: "toy", initial: () => ({}), decide: (state) => ({ state, effects: [] }), assertInvariants() {}, announce: () => ({}), view: () => ({}) };`;
	const safe = place(t, {
		toy: source("toy", `kernel.modes.add({ automaton, uses: [] }); ${element("toybox")}`, mode),
	});
	const plugins = await load(t, safe);
	t.deepEqual(failuresOf(plugins), {});
	t.is(plugins.modes.get("toy")?.automaton.mode, "toy");
	const schema = schemaOf(plugins.loaded);
	const module = join(safe, "m");
	mkdirSync(join(module, "conf"), { recursive: true });
	writeFileSync(join(module, "conf/userconfig.xml"), '<safe><service mode="toy"><toybox/></service></safe>');
	t.deepEqual((await checkPackage(module, schema, {})).problems, []);
	writeFileSync(join(module, "conf/userconfig.xml"), '<safe><service mode="light"><toybox/></service></safe>');
	t.regex(
		(await checkPackage(module, schema, {})).problems[0]?.message ?? "",
		/<toybox> does not belong to mode light/,
	);
});
