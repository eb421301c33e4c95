/** The simulated replication as the loop of a module uses it. What persons ask of data is not there: there is no data. */
import type { DataControl } from "../../../core/cli/control.ts";
import type { ReplicationOrder, ResyncProgress } from "../../../core/engine/replication.ts";
import { SafekitError } from "../../../core/errors.ts";
import type { ModuleConfiguration } from "../../../core/module/configuration.ts";
import type { ReplicationHands } from "../../../core/node/hands.ts";
import type { Replica } from "./replica.ts";

const absent = (): Promise<never> =>
	Promise.reject(new SafekitError("RFS_SYNC", "The simulated servers have no data that could be looked at."));

export class ReplicaHands implements ReplicationHands {
	readonly data: DataControl;
	readonly #replica: Replica;

	constructor(replica: Replica, { rfs }: ModuleConfiguration) {
		this.#replica = replica;
		this.data = {
			directories: rfs?.directories.map(({ dir }) => dir) ?? [],
			sync: { now: null, declare: absent, forget: () => {}, since: absent },
			withKept: absent,
			estimate: absent,
			verify: absent,
			askVerify: absent,
			copy: absent,
			hear: () => {},
		};
	}

	give(order: ReplicationOrder): void {
		this.#replica.give(order);
	}

	progress(): ResyncProgress | null {
		if (!this.#replica.copying) return null;
		return { doneBytes: 0, totalBytes: 0, files: 0, mbPerS: 0, leftS: null };
	}

	async reconfigure(): Promise<void> {}

	async attach(): Promise<void> {}

	detach(): void {}
}
