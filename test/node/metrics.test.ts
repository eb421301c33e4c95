import test from "ava";
import { SyncMetrics } from "../../core/node/metrics.ts";

test("a synchronization leaves its counts, and its bandwidth while it runs", (t) => {
	const set = new Map<string, string>();
	let nowMs = 1000;
	const metrics = new SyncMetrics({ nowMs: () => nowMs, setResource: (name, value) => void set.set(name, value) });
	const order = {
		order: "session",
		term: 2,
		source: true,
		outcome: "NEW",
		everything: true,
		quarantine: true,
	} as const;
	const progress = { totalBytes: 1e9, files: 1, mbPerS: 1.024, leftS: null };
	metrics.ordered(order);
	for (let n = 0; n <= 14; n++) {
		metrics.progress({ ...progress, doneBytes: n * 512_000 });
		nowMs += 500;
	}
	t.is(set.get("rfs.rei_bandwidth"), "1000");
	metrics.heard({ fact: "synced", term: 2, files: 3, bytes: 7_168_000 });
	metrics.progress(null);
	t.deepEqual(
		[...set].sort(),
		[
			["rfs.rei_bandwidth", "0"],
			["rfs.rei_copy_count_metric", "3"],
			["rfs.rei_copy_size_metric", "7000"],
			["rfs.rei_copy_time_metric", "8"],
			["rfs.reintegre_failed", "false"],
		].sort(),
	);
	metrics.heard({ fact: "failed", order: "session", code: "REPLICATION_DISK", message: "" });
	t.is(set.get("rfs.reintegre_failed"), "true");
});
