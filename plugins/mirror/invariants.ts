/** What may never be true of a mirror's state, in production too. */
import assert from "node:assert/strict";
import { holdingWhy } from "../../sdk/index.ts";
import type { MirrorState } from "./state.ts";

const mains = {
	stopped: ["STOP"],
	starting: ["WAIT"],
	waiting: ["WAIT"],
	primary: ["ALONE", "PRIM"],
	secondary: ["SECOND"],
	promoting: ["SECOND"],
	stopping: ["WAIT", "ALONE", "PRIM", "SECOND"],
};

export function assertInvariants(s: MirrorState): void {
	assert(mains[s.phase].includes(s.main), `phase ${s.phase} cannot show ${s.main}`);
	assert((s.main === "STOP") === (s.phase === "stopped"), "STOP is shown exactly when the module is stopped");
	assert(s.status !== "NotReady" || s.main === "STOP" || s.main === "WAIT", `${s.main} cannot be NotReady`);
	assert(s.main !== "STOP" || s.status === "NotReady", "a stopped module is NotReady");
	assert((s.stopping !== null) === (s.phase === "stopping"), "a stop in progress and its phase belong together");
	assert(s.phase !== "stopping" || s.plan !== null, "a stop always has a plan running");
	assert(s.phase !== "starting" || s.plan !== null, "a start always has a plan running");
	assert(s.phase !== "stopped" || s.plan === null, "nothing runs in a stopped module");
	assert(s.phase !== "stopped" || !s.serving, "a stopped module does not serve");
	assert(s.phase !== "stopped" || holdingWhy(s.holding) === null, "no rule holds a stopped module");
	assert(s.phase !== "secondary" || !s.serving, "a secondary does not change data");
	assert(s.phase !== "waiting" || !s.serving, "a waiting node does not change data");
	assert(s.session?.source !== false || !s.serving, "a node that serves is not the target of a session");
	assert(s.loss === null || s.serving, "only a node that serves can lose its secondary");
	const forced = s.plan !== null && s.phase === "primary";
	assert(!s.serving || forced || s.records?.copying !== true, "a half copied node may not serve");
	assert(s.main !== "PRIM" || s.expecting || s.phase !== "primary" || hasPartner(s), "PRIM has a secondary");
}

/** A part plan follows in the same step, so PRIM without a session lasts only while another plan runs. */
function hasPartner(s: MirrorState): boolean {
	return !s.config.replicated || s.plan !== null || s.degraded || (s.session?.synced ?? false) || s.loss !== null;
}
