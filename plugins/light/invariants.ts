/** What may never be true of the state, in production too. */
import assert from "node:assert/strict";
import { holdingWhy } from "../../sdk/index.ts";
import type { UpState } from "./state.ts";

const mains = { stopped: ["STOP"], starting: ["WAIT"], waiting: ["WAIT"], up: ["UP"], stopping: ["WAIT", "UP"] };

export function assertInvariants(s: UpState): void {
	assert(mains[s.phase].includes(s.main), `phase ${s.phase} cannot show ${s.main}`);
	assert(s.status !== "NotReady" || s.main !== "UP", "UP cannot be NotReady");
	assert(s.status === "NotReady" || s.main !== "STOP", "a stopped module is NotReady");
	assert(s.phase !== "stopped" || holdingWhy(s.holding) === null, "no rule holds a stopped module");
	assert((s.stopping !== null) === (s.phase === "stopping"), "a stop in progress and its phase belong together");
	assert(s.plan !== null || !["starting", "stopping"].includes(s.phase), `${s.phase} always has a plan running`);
	assert(s.plan === null || !["stopped", "waiting"].includes(s.phase), `nothing runs while ${s.phase}`);
}
