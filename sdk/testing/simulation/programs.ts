/**
 * The program of a custom checker that is no TypeScript: it would loop and sleep in real time, so it is not run. It is
 * taken to live, and the test sets its resource in its place.
 */
import type { ProgramHands } from "../../../core/checkers/custom.ts";
import type { CheckerSettings } from "../../../core/module/settings/checkers.ts";

export function programOf(_: Extract<CheckerSettings, { kind: "custom" }>): ProgramHands {
	return {
		start: async () => ({ pid: 1, startTime: "0", ended: new Promise(() => {}) }),
		adopt: () => null,
		end: async () => {},
	};
}
