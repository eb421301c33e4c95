/** What a daemon that was killed leaves to the next one: its node of a farm goes on with what its filter has. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import type { FarmModule, FarmView } from "../../core/engine/farm/group.ts";
import { HeartLink } from "../../core/node/heart.ts";

const folder = mkdtempSync(join(tmpdir(), "heart-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

function moduleOf(node: "a" | "b"): FarmModule {
	const nodes = [
		{ name: "a", addr: "127.41.0.1" },
		{ name: "b", addr: "127.41.0.2" },
	];
	return {
		module: "m",
		id: 1,
		port: 20_000 + (process.pid % 20_000),
		node,
		nodes: ["a", "b"],
		pulseMs: 100,
		// However slow this machine is, the daemon is back before the other one takes over.
		leaderLost: 300,
		virtual: [],
		followerLost: 300,
		lans: [{ name: "lan", localAddr: node === "a" ? "127.41.0.1" : "127.41.0.2", nodes }],
		groups: [{ name: "web", powers: {} }],
		key: "7c".repeat(32),
	};
}

const report = (message: string, error?: unknown): void => {
	throw new Error(message, { cause: error });
};
const sharesOf = (view: FarmView): string => view.groups.map(({ owners }) => owners.join()).join();

/** A daemon whose filter obeys; resolves with the first view that is settled. */
function settled(heart: HeartLink): Promise<FarmView> {
	return new Promise((resolve) => {
		heart.listen("m", (message) => {
			if (message.is !== "farm") return;
			heart.applied("m", message.view.version);
			if (message.view.settled && message.view.members.length === 2) resolve(message.view);
		});
	});
}

test("a daemon's node of a farm goes on where the last one ended, and not after a restart of the system", async (t) => {
	t.timeout(120_000);
	const [fileA, fileB] = [join(folder, "a.json"), join(folder, "b.json")];
	const a = new HeartLink(fileA, "boot", report);
	const b = new HeartLink(fileB, "boot", report);
	t.teardown(() => a.close());
	a.farm(moduleOf("a"), { open: ["web"] });
	b.farm(moduleOf("b"), { open: [] });
	const [, ofB] = [settled(a), settled(b)];
	await ofB;
	const views: FarmView[] = [];
	const shared = new Promise<FarmView>((resolve) => {
		b.listen("m", (message) => {
			if (message.is !== "farm") return;
			b.applied("m", message.view.version);
			if (message.view.settled && sharesOf(message.view).includes("b")) resolve(message.view);
		});
	});
	b.wish("m", { open: ["web"] });
	const before = await shared;
	await b.close();
	const { incarnation, started } = JSON.parse(readFileSync(fileB, "utf8"));
	t.deepEqual(started[0].wish, { open: ["web"] });
	t.is(started[0].held.web.length, 64);
	// As an earlier version stored it.
	delete started[0].successors;
	writeFileSync(fileB, JSON.stringify({ incarnation, started }));

	a.listen("m", (message) => {
		if (message.is !== "farm") return;
		views.push(message.view);
		a.applied("m", message.view.version);
	});
	const next = new HeartLink(fileB, "boot", report);
	t.teardown(() => next.close());
	// Nobody ordered anything yet: it takes part by itself, and has what its filter has.
	const after = await settled(next);
	t.is(sharesOf(after), sharesOf(before));
	t.true(after.version > before.version);
	for (const view of views) t.is(sharesOf(view), sharesOf(before), "the other one gave nothing and took nothing");

	// A daemon that comes back to another cluster key: its filter still has what it had.
	const key = "7d".repeat(32);
	const { held } = JSON.parse(readFileSync(fileB, "utf8")).started[0];
	a.succeed({ ...moduleOf("a"), key });
	next.farm({ ...moduleOf("b"), key }, { open: ["web"] });
	t.deepEqual(JSON.parse(readFileSync(fileB, "utf8")).started[0].held, held);
	t.is(sharesOf(await settled(next)), sharesOf(before));

	const rebooted = new HeartLink(fileB, "another boot", report);
	t.teardown(() => rebooted.close());
	rebooted.wish("m", { open: [] });
	t.deepEqual(JSON.parse(readFileSync(fileB, "utf8")).incarnation, "boot", "what a power cut ended is not resumed");
});

test("a farm that contradicts itself begins anew, and does not end other heartbeats", async (t) => {
	t.timeout(120_000);
	const file = join(folder, "broken.json");
	const reported: string[] = [];
	const heart = new HeartLink(file, "boot", (message) => void reported.push(message));
	t.teardown(() => heart.close());
	// Apart from the farm of the other test.
	const whole = { ...moduleOf("a"), port: moduleOf("a").port + 1 };
	const shared = new Promise<FarmView>((resolve) => {
		heart.listen("m", (message) => {
			if (message.is !== "farm") return;
			heart.applied("m", message.view.version);
			if (message.view.settled) resolve(message.view);
		});
	});
	heart.farm({ ...whole, leaderLost: 3, followerLost: 3 }, { open: ["web"] });
	// No node of its own farm: it fails each time it begins.
	const failures = new Promise<string[]>((resolve) => {
		const whys: string[] = [];
		heart.listen("broken", (message) => {
			if (message.is === "failed" && whys.push(message.why) === 4) resolve(whys);
		});
	});
	heart.farm({ ...whole, module: "broken", node: "c", port: whole.port + 2 }, { open: [] });
	const whys = await failures;
	for (const why of whys) t.regex(why, /a node of a farm is one of its nodes/);
	t.is(reported.length, 4, "each time once");
	t.regex(reported[0] ?? "", /the farm of broken begins anew/);
	t.deepEqual((await shared).members, ["a"]);
	heart.stop("broken");
	t.false(reported.some((message) => message.includes("thread failed")));
});
