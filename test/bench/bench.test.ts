/** The benchmark itself: its command line, its statistics, its report, and that it leaves nothing behind. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "ava";
import { readMounts } from "../../core/replication/fuse/mountTable.ts";
import { hasProgram } from "../../sdk/lab/prerequisites.ts";
import { diskFolder } from "../folder.ts";
import type { Measured, RowKind } from "./measure.ts";
import { readOptions, UsageError } from "./options.ts";
import { aimTable } from "./report/aims.ts";
import { chaptersIn, withChapter } from "./report/chapters.ts";
import { handWritten, resultsText } from "./report/results.ts";
import { median, ratio, rowOf } from "./report/statistics.ts";
import { asMarkdown, asText, ratios } from "./report/table.ts";

const write: RowKind = { row: "random-write-4k-1", title: "random write", unit: "op/s" };
const of = (subject: Measured["subject"], ...values: (number | null)[]): Measured => ({
	kind: write,
	subject,
	samples: values.map((value) => (value === null ? null : { value, p50Us: 1e6 / value, p99Us: 5e6 / value })),
});

test("the command line says what is wrong, and what parts leave RESULTS.md alone", (t) => {
	const rows = ["create", "unlink"];
	t.like(readOptions([], rows), { quick: false, json: false, only: null, write: true });
	t.like(readOptions(["--quick", "--json"], rows), { quick: true, json: true, write: false });
	t.deepEqual(readOptions(["--only", "unlink", "--subjects", "gluster,native"], rows).subjects, ["native", "gluster"]);
	t.false(readOptions(["--only", "unlink"], rows).write);
	t.is(readOptions(["--minutes", "1.5"], rows).budgetMs, 90_000);
	for (const [args, says] of [
		[["--only", "fast"], /--only fast: .* create, unlink/],
		[["--subjects", "disk"], /--subjects disk: .*native/],
		[["--fast"], /--fast/],
		[["--minutes", "soon"], /--minutes soon: a number/],
	] as [string[], RegExp][]) {
		t.throws(() => readOptions(args, rows), { instanceOf: UsageError, message: says });
	}
});

test("ratios are taken round by round, and a round that failed counts nowhere", (t) => {
	t.is(median([3, 1, 2]), 2);
	t.is(median([4, 1, 2, 3]), 2.5);
	const measured = [of("native", 100, 200, 400, 800), of("gluster", 50, 50, null, 200)];
	t.deepEqual(ratio(measured, write.row, "gluster", "native"), { median: 0.25, min: 0.25, max: 0.5 });
	t.deepEqual(rowOf(measured[1]!), {
		work: write.row,
		subject: "gluster",
		median: 50,
		min: 50,
		max: 200,
		unit: "op/s",
		p50Us: 20_000,
		p99Us: 100_000,
		samples: 3,
	});
	t.is(rowOf(of("native", null)), null);
	t.is(ratio(measured, write.row, "unreplicated", "native"), null);
});

test("tables line up, and aims are compared with what was measured", (t) => {
	const measured = [of("native", 100), of("replicated-second", 50), of("gluster", 10)];
	const cells = ratios(measured);
	t.deepEqual(cells[1], ["random write", "100 op/s", "0.50 (0.50–0.50)", "0.10 (0.10–0.10)"]);
	t.is(
		new Set(
			asText(cells)
				.split("\n")
				.map((line) => line.indexOf("native")),
		).size,
		2,
	);
	t.is(asMarkdown(cells).split("\n")[1], "| --- | --- | --- | --- |");
	const aims = aimTable(measured);
	const line = aims.find(([what]) => what?.startsWith("4 KiB random write ×1, replicated-second ÷ gluster"));
	t.deepEqual(line?.slice(1), ["≥ 4", "5", "reached"]);
	t.deepEqual(aims.find(([what]) => what?.startsWith("unlink"))?.[2], "not measured");
});

test("what a person wrote into RESULTS.md is there after the next run", (t) => {
	const facts = { machine: "m", date: "2000-01-01", commit: "c", minutes: 1, load: 0, notes: [] };
	const first = resultsText([of("native", 1)], facts, handWritten(""));
	t.regex(first, /## What dominated/);
	const edited = first.replace("## What dominated\n", "## What dominated\n\nWaking up a core.\n");
	const second = resultsText([of("native", 2)], facts, handWritten(edited));
	t.regex(second, /Waking up a core\./);
	t.is(second.match(/What dominated/g)?.length, 1);
});

test("a chapter of another benchmark is there once, and stays", (t) => {
	const first = withChapter("# Results\n", "farm", "## The farm\n\nold");
	const second = withChapter(withChapter(first, "other", "x"), "farm", "## The farm\n\nnew");
	t.regex(second, /^# Results\n\n<!-- chapter farm: .*-->\n## The farm\n\nnew\n<!-- end of chapter farm -->/);
	t.is(second.match(/## The farm/g)?.length, 1);
	t.false(second.includes("old"));
	t.is(chaptersIn(second), second.slice(second.indexOf("<!--")).trimEnd());
	t.is(chaptersIn("nothing"), "");
});

const able = process.getuid?.() === 0 && hasProgram("fio");
const start = (...args: string[]) =>
	spawn(process.execPath, ["--no-warnings", join(import.meta.dirname, "main.ts"), ...args], {
		stdio: ["ignore", "pipe", "pipe"],
	});
const leftBy = (pid: number): string[] =>
	readdirSync(diskFolder).filter((name) => name.startsWith(`opensafe-test-${pid}-`));
const mountsOf = (pid: number): string[] =>
	readMounts()
		.map(({ target }) => target)
		.filter((target) => target.includes(`opensafe-test-${pid}-`));
const processesOf = (pid: number): string =>
	execFileSync("sh", ["-c", `ps -eo args | grep -F "opensafe-test-${pid}-" | grep -v grep || true`], {
		encoding: "utf8",
	});

(able ? test.serial : test.serial.skip)("a short run ends with one line of JSON and leaves nothing", async (t) => {
	t.timeout(240_000);
	const child = start("--quick", "--json", "--only", "create,resync-crash", "--subjects", "native,replicated-second");
	let [out, err] = ["", ""];
	child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
	child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
	const [code] = await once(child, "close");
	t.is(code, 0, err);
	const { rows } = JSON.parse(out.trim().split("\n").at(-1)!);
	t.like(
		rows.map(({ work, subject }: { work: string; subject: string }) => `${work} ${subject}`).sort(),
		["create", "stat", "unlink"]
			.flatMap((work) => [`${work} native`, `${work} replicated-second`])
			.concat("resync-crash replicated-second")
			.sort(),
	);
	for (const row of rows) {
		t.true(row.min > 0 && row.min <= row.median && row.median <= row.max, JSON.stringify(row));
		if (row.unit === "op/s") t.true(row.p50Us > 0 && row.p50Us <= row.p99Us, JSON.stringify(row));
	}
	t.deepEqual([leftBy(child.pid!), mountsOf(child.pid!), processesOf(child.pid!)], [[], [], ""]);
});

(able ? test.serial : test.serial.skip)("stopped in the middle, it leaves nothing behind", async (t) => {
	t.timeout(240_000);
	const child = start("--quick", "--only", "random-write-4k-1");
	let err = "";
	const ended = once(child, "close");
	child.stdout.resume();
	for await (const line of createInterface({ input: child.stderr })) {
		err += `${line}\n`;
		// Everything is open by then, and something is being measured.
		if (line.startsWith("1/2")) child.kill("SIGINT");
	}
	const [code] = await ended;
	t.is(code, 130, err);
	t.deepEqual([leftBy(child.pid!), mountsOf(child.pid!), processesOf(child.pid!)], [[], [], ""]);
});
