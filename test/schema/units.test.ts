import test from "ava";
import { readTime } from "../../core/schema/units.ts";

test("a bare number counts in the implicit unit", (t) => {
	t.deepEqual(readTime("24", "h"), { ms: 86_400_000 });
	t.deepEqual(readTime("0", "s"), { ms: 0 });
});

test("other units are converted and rounded to the implicit unit", (t) => {
	t.deepEqual(readTime("2m", "s"), { ms: 120_000 });
	t.deepEqual(readTime("1499ms", "s"), { ms: 1000 });
	t.deepEqual(readTime("1501ms", "s"), { ms: 2000 });
	t.deepEqual(readTime("1500us", "ms"), { ms: 2 });
	t.deepEqual(readTime("1d", "h"), { ms: 86_400_000 });
});

test("what rounds to nothing is wrong, and so is what is no time", (t) => {
	t.deepEqual(readTime("500ms", "s"), { wrong: "unit", expected: "time unit: 's'" });
	for (const text of ["", "s", "-1", "1 hour", "1e3", "1s2", "99999999999999999", "٣"])
		t.true("wrong" in readTime(text, "s"), text);
});

test("no time is longer than a timer can wait", (t) => {
	t.true("wrong" in readTime("30d", "ms"));
	t.deepEqual(readTime("30d", "h", { maxMs: 365 * 86_400_000 }), { ms: 30 * 86_400_000 });
});
