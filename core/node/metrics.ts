/** What monitoring reads of synchronizations, under the documented names (spec/04 §5, spec/06 §3). */
import type { ReplicationFact, ReplicationOrder, ResyncProgress } from "../engine/replication.ts";

/** Every change travels with the next pulse: not too often. */
const everyMs = 3000;

export interface MetricsParts {
	setResource(name: string, value: string): void;
	nowMs(): number;
}

export class SyncMetrics {
	readonly #parts: MetricsParts;
	#startedMs = 0;
	#toldMs: number | null = null;

	constructor(parts: MetricsParts) {
		this.#parts = parts;
	}

	ordered(order: ReplicationOrder): void {
		if (order.order === "session") this.#startedMs = this.#parts.nowMs();
	}

	/** What is sent, on average; null: no synchronization runs. */
	progress(progress: ResyncProgress | null): void {
		if (progress?.verifying === true) return;
		const nowMs = this.#parts.nowMs();
		if (progress === null && this.#toldMs === null) return;
		if (progress !== null && this.#toldMs !== null && nowMs - this.#toldMs < everyMs) return;
		this.#toldMs = progress === null ? null : nowMs;
		this.#parts.setResource("rfs.rei_bandwidth", kb((progress?.mbPerS ?? 0) * 1e6));
	}

	heard(fact: ReplicationFact): void {
		if (fact.fact === "synced") {
			const seconds = (this.#parts.nowMs() - this.#startedMs) / 1000;
			this.#parts.setResource("rfs.rei_copy_count_metric", String(fact.files));
			this.#parts.setResource("rfs.rei_copy_size_metric", kb(fact.bytes));
			this.#parts.setResource("rfs.rei_copy_time_metric", String(Math.ceil(seconds)));
			this.#parts.setResource("rfs.reintegre_failed", "false");
		} else if (fact.fact === "failed" && fact.order === "session") {
			this.#parts.setResource("rfs.reintegre_failed", "true");
		}
	}
}

const kb = (bytes: number): string => String(Math.round(bytes / 1024));
