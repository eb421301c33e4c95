/** Regular expressions of `<proc>` and `<notreplicated>`: as grep -E has them, and never slow. */
import { spawnSync } from "node:child_process";
import test from "ava";
import fc from "fast-check";
import { Ere } from "../../../core/schema/ere/ere.ts";

const finds = (ere: string, text: string): boolean => new Ere(ere).test(text);

test("what people write in argregex", (t) => {
	t.true(finds("java.*-Dname=shop( |$)", "/usr/bin/java -Xmx1g -Dname=shop"));
	t.false(finds("java.*-Dname=shop( |$)", "/usr/bin/java -Xmx1g -Dname=shopping"));
	t.true(finds("{.*ORCL.*}", "x {ORCL} y"), "a brace that begins no interval stands for itself");
	t.false(finds("{.*ORCL.*}", "ORCL"));
	t.true(finds("^ora_(pmon|smon)_[[:upper:]]{1,8}$", "ora_pmon_ORCL"));
	t.true(finds("[]a]b", "]b"));
	t.true(finds("a\\.b", "a.b"));
	t.false(finds("a\\.b", "axb"));
	t.true(finds("", ""));
	t.true(finds("^$", ""));
	t.false(finds("^$", "x"));
	t.true(finds("a|^b|", ""));
	t.true(finds("é+", "caféé"));
	t.true(finds("\\w+\\s\\S", "x y"));
});

test("what is no such expression is told with its place", (t) => {
	for (const [ere, message] of [
		["(a", /"\(" is not closed \(character 1\)/],
		["[a", /"\[" is not closed/],
		["a(?:b)", /"\(\?" is not part of a POSIX expression \(character 2\)/],
		["\\d+", /"\\d" is not part/],
		["a{3,1}", /empty/],
		["a{9999}", /at most 255/],
		["((a{255}){255}){255}", /repeats too much/],
		["[z-a]", /backwards/],
		["[[:foo:]]", /unknown class/],
		["a\\", /stands for nothing/],
		["*.tmp", /"\*" has nothing to repeat \(character 1\)/],
		["a|+", /nothing to repeat/],
		["(".repeat(60), /deep/],
	] as const) {
		t.throws(() => new Ere(ere), { instanceOf: SyntaxError, message }, ere);
	}
});

test("traps take no time", (t) => {
	const from = performance.now();
	t.false(finds("(a*)*b", "a".repeat(60_000)));
	t.false(finds("(a|aa)+$", `${"a".repeat(60_000)}!`));
	t.false(finds("(.*)(.*)(.*)(.*)(.*)(.*)[^a]$", "a".repeat(60_000)));
	finds("(a|b)*a(a|b){200}c", "ab".repeat(30_000));
	t.true(performance.now() - from < 5000, `${performance.now() - from} ms`);
});

const atom = fc.oneof(
	...["a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", "\\.", "[[:alpha:]]"].map((text) => fc.constant(text)),
);
const { ere } = fc.letrec<{ ere: string }>((tie) => ({
	ere: fc.oneof(
		{ depthSize: "small", withCrossShrink: true },
		atom,
		fc.tuple(tie("ere"), tie("ere")).map(([x, y]) => `${x}${y}`),
		fc.tuple(tie("ere"), tie("ere")).map(([x, y]) => `(${x}|${y})`),
		fc.tuple(tie("ere"), fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "{0,}")).map(([x, q]) => `(${x})${q}`),
	),
}));

test("it finds what grep -E finds", (t) => {
	const texts = ["", "a", "b", "ab", "ba", "abc", "cab", "aab", "a.b", "aaa", "bca", "ccc", "abab", "x", "a b"];
	const input = `${texts.join("\n")}\n`;
	fc.assert(
		fc.property(ere, fc.boolean(), fc.boolean(), (inner, begin, end) => {
			// Within repetitions grep itself reads anchors in more than one way.
			const one = `${begin ? "^" : ""}(${inner})${end ? "$" : ""}`;
			const grep = spawnSync("grep", ["-nE", "-e", one], { input, encoding: "utf8", env: { LC_ALL: "C.UTF-8" } });
			const lines = grep.stdout.split("\n").filter(Boolean);
			const expected = lines.map((line) => texts[Number(line.split(":")[0]) - 1]);
			const compiled = new Ere(one);
			t.deepEqual(
				texts.filter((text) => compiled.test(text)),
				expected as string[],
				one,
			);
		}),
		{ numRuns: 300 },
	);
});
