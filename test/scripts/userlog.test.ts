import {
	appendFileSync,
	closeSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { runScript } from "../../core/scripts/run.ts";
import { makeRoom, openUserlog, trimUserlog } from "../../core/scripts/userlog.ts";
import { makeTestFolder } from "../folder.ts";
import { makePlace, pidIn, until, userlogs } from "./place.ts";

function folderOf(t: ExecutionContext): string {
	const folder = makeTestFolder("userlog");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

test("name and first line are the documented ones, in local time", (t) => {
	const folder = folderOf(t);
	const log = openUserlog(folder, "start_prim", new Date(2024, 1, 12, 9, 14, 10));
	closeSync(log.fd);
	t.is(log.name, "userlog_2024-02-12T091410_start_prim.ulog");
	t.is(readFileSync(join(folder, log.name), "utf8"), "----------- 2024-02-12T09:14:10 start_prim\n");
});

test("runs within the same second have a log each", (t) => {
	const folder = folderOf(t);
	const now = new Date(2024, 1, 12, 23, 59, 59);
	const names = [1, 2, 3].map(() => {
		const log = openUserlog(folder, "transition", now);
		closeSync(log.fd);
		return log.name;
	});
	t.deepEqual(names, [
		"userlog_2024-02-12T235959_transition.ulog",
		"userlog_2024-02-13T000000_transition.ulog",
		"userlog_2024-02-13T000001_transition.ulog",
	]);
	for (const name of names)
		t.is(readFileSync(join(folder, name), "utf8"), "----------- 2024-02-12T23:59:59 transition\n");
});

test("the oldest logs go, other files stay", (t) => {
	const folder = folderOf(t);
	for (let n = 0; n < 9; n++) {
		const file = join(folder, `userlog_2024-01-01T00000${n}_update.ulog`);
		writeFileSync(file, "x");
		utimesSync(file, 1000 + n, 1000 + n);
	}
	writeFileSync(join(folder, "userlog.ulog"), "of an older version");
	writeFileSync(join(folder, "errdlist"), "");
	makeRoom(folder, 1024, 4);
	t.deepEqual(readdirSync(folder).sort(), [
		"errdlist",
		"userlog.ulog",
		"userlog_2024-01-01T000006_update.ulog",
		"userlog_2024-01-01T000007_update.ulog",
		"userlog_2024-01-01T000008_update.ulog",
	]);
});

test("a log that is too long keeps its first line and its last ones, and says what is missing", (t) => {
	const file = join(folderOf(t), "log");
	const lines = Array.from({ length: 1000 }, (_, n) => `line ${String(n).padStart(4, "0")}\n`).join("");
	writeFileSync(file, `--- first\n${lines}`);
	trimUserlog(file, 2000);
	const text = readFileSync(file, "utf8");
	t.true(text.length <= 2000);
	t.regex(text, /^--- first\n\[9\d{3} bytes were cut: userlogsize\]\nline 0\d{3}\n(line \d{4}\n)+$/);
	t.true(text.endsWith("line 0999\n"));
	appendFileSync(file, "more\n");
	trimUserlog(file, 2000);
	t.true(readFileSync(file, "utf8").endsWith("line 0999\nmore\n"), "within the limit nothing happens");
	t.notThrows(() => trimUserlog(`${file}/none`, 10));
});

test("a script that prints without end fills neither the disk nor the memory", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script(
		"stop_prim",
		`#!/bin/bash\necho $$ > ${place.file("pid")}\nwhile :; do echo "$RANDOM 0123456789"; done\n`,
	);
	const running = await runScript(place.request("stop_prim", { timeoutMs: 3000, userlogSizeKb: 16 }), place.context);
	await pidIn(place.file("pid"));
	const file = join(place.module.userVar, running?.userlog ?? "");
	await until(() => readFileSync(file, "utf8").includes("bytes were cut"));
	t.true((await running?.ended)?.timedOut);
	await until(() => statSync(file).size <= 16 * 1024);
	t.regex(readFileSync(file, "utf8"), /^-{11} \S+ stop_prim\n\[\d+ bytes were cut: userlogsize\]\n/);
});

test("each run removes what is too old and cuts what is too long of the runs before", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	for (let n = 0; n < 130; n++) {
		const file = join(place.module.userVar, `userlog_2024-01-01T000${100 + n}_transition.ulog`);
		writeFileSync(file, n === 129 ? `head\n${"long\n".repeat(2000)}` : "short\n");
		utimesSync(file, 1000 + n, 1000 + n);
	}
	place.script("transition", "#!/bin/sh\necho new\n");
	const running = await runScript(place.request("transition", { userlogSizeKb: 4 }), place.context);
	await running?.ended;
	t.is(userlogs(place).length, 100);
	t.true(place.userlog(running?.userlog).endsWith("new\n"));
	t.true(statSync(join(place.module.userVar, "userlog_2024-01-01T000229_transition.ulog")).size <= 4096);
});
