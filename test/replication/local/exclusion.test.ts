/** Which names stay on their server (spec/06 §2). */
import test from "ava";
import { Exclusion } from "../../../core/replication/local/exclusion.ts";
import { Ere } from "../../../core/schema/ere/ere.ts";

const names = (...parts: string[]) => parts.map((part) => Buffer.from(part));

test("paths are relative to the replicated directory", (t) => {
	const exclusion = new Exclusion({ paths: ["a/b", "/top/", "./with space/é"], regexes: [] });
	t.true(exclusion.excludes(names("a"), Buffer.from("b"), true));
	t.false(exclusion.excludes(names("x", "a"), Buffer.from("b"), true));
	t.false(exclusion.excludes([], Buffer.from("b"), true));
	t.true(exclusion.excludes([], Buffer.from("top"), false));
	t.true(exclusion.excludes(names("with space"), Buffer.from("é"), false));
	t.false(exclusion.empty);
	t.true(new Exclusion({ paths: ["/"], regexes: [] }).empty);
});

test("expressions, and those with a leading ! for files only", (t) => {
	const out = new Exclusion({ paths: [], regexes: ["\\.tmp$", "^core\\.[0-9]+$"] });
	t.true(out.excludes(names("deep"), Buffer.from("x.tmp"), false));
	t.true(out.excludes([], Buffer.from("core.12"), false));
	t.false(out.excludes([], Buffer.from("score.12"), false));
	const only = new Exclusion({ paths: [], regexes: ["!\\.txt$", "!\\.md$"] });
	t.false(only.excludes([], Buffer.from("a.txt"), false));
	t.false(only.excludes([], Buffer.from("a.md"), false));
	t.true(only.excludes([], Buffer.from("a.bin"), false));
	t.false(only.excludes([], Buffer.from("folder"), true));
});

test("POSIX expressions mean the same", (t) => {
	const cases: [string, string[], string[]][] = [
		["^[[:alpha:]_]+$", ["abc_"], ["ab1"]],
		["[]x]", ["]", "x"], ["y"]],
		["[^]x]", ["y"], ["]"]],
		["[\\.]", ["\\", "."], ["a"]],
		["^a{2}$", ["aa"], ["a{2}"]],
		["^{x}$", ["{x}"], ["x"]],
		["a|b/c", ["a", "b/c"], ["c"]],
		["^\\$\\{x\\}$", ["$".concat("{x}")], ["x"]],
		["\\a", ["a"], ["b"]],
	];
	for (const [ere, yes, no] of cases) {
		for (const text of yes) t.true(new Ere(ere).test(text), `${ere} ${text}`);
		for (const text of no) t.false(new Ere(ere).test(text), `${ere} ${text}`);
	}
	for (const bad of ["[a", "(", "*a", "(?=x)", "[[:nope:]]"]) t.throws(() => new Ere(bad), { instanceOf: SyntaxError });
});
