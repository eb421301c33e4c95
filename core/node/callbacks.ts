/**
 * `_rfs_callback` (spec/03 §1, spec/09 §8): the application's own script, called before its data is overwritten by the
 * other server's. Its one argument names the moment; it does not see the variables of `<user>`.
 */
import type { ReplicationFact } from "../engine/replication.ts";
import { SafekitError } from "../errors.ts";
import type { UserConfiguration } from "../module/configuration.ts";
import type { RunningScript, ScriptRequest } from "../scripts/runner.ts";

export interface CallbackParts {
	module: string;
	/** null: the module runs no scripts. */
	user(): UserConfiguration | null;
	start(request: ScriptRequest): Promise<RunningScript | null>;
	log(level: "S" | "E", text: string): void;
}

const script = "_rfs_callback";

export class Callbacks {
	readonly #parts: CallbackParts;
	/** The last time that this server had a role with this data, it was the primary. */
	#wasPrimary = false;
	#running: RunningScript | null = null;

	constructor(parts: CallbackParts) {
		this.#parts = parts;
	}

	heard(fact: ReplicationFact): void {
		if (fact.fact === "opened" || fact.fact === "records") this.#wasPrimary = fact.records.role?.was === "primary";
	}

	/**
	 * This server is about to receive what the other one has: `_rfs_pritoscd` if it was the primary, then
	 * `_rfs_startsynch`. Nothing is written before they have ended.
	 * @throws SafekitError RFS_CALLBACK when one of them says no, or does not end in nicestoptimeout.
	 */
	async beforeCopy(): Promise<void> {
		for (const event of [...(this.#wasPrimary ? ["_rfs_pritoscd"] : []), "_rfs_startsynch"]) await this.#run(event);
	}

	/** The module stops: nobody waits for a callback any more. */
	abandon(): void {
		this.#running?.kill();
	}

	async #run(event: string): Promise<void> {
		const user = this.#parts.user();
		if (user === null) return;
		const { logging, userlogSizeKb, niceStopTimeoutMs: timeoutMs } = user;
		const request = { module: this.#parts.module, script, args: [event], timeoutMs, vars: [], logging, userlogSizeKb };
		const running = await this.#parts.start(request);
		if (running === null) return;
		if (running.userlog !== null) this.#parts.log("S", `Script ${script} "${event}" > ${running.userlog}`);
		this.#running = running;
		const { exitCode, timedOut } = await running.ended;
		this.#running = null;
		if (exitCode === 0) return;
		const how = timedOut ? "did not end in nicestoptimeout" : `ended with ${exitCode ?? "a signal"}`;
		throw new SafekitError("RFS_CALLBACK", `${script} ${event} ${how}`);
	}
}
