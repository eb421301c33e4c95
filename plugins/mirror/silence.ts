/**
 * `checktime` (spec/06 §2): the replicated directories do not answer, though the replication process has not ended. The
 * module stops and starts. The process is ended at once: the application, and every script that would stop it, would
 * wait in the mounts for ever. The other server, which has all that was acknowledged, takes over if it can.
 */
import { usesLease } from "./ask.ts";
import { countsAsError } from "./commands.ts";
import type { Context } from "./context.ts";
import { beginStop } from "./passages.ts";

const rule = "rfs_check";

export function mountsAreSilent(ctx: Context, forMs: number): undefined {
	const { s } = ctx;
	// Nothing is mounted, or it is known to be dead.
	if (s.phase === "stopped" || s.degraded) return;
	ctx.log("rfsplug", "E", `The replicated directories have not answered for ${forMs} ms (checktime)`);
	ctx.order({ order: "abandon", kill: true });
	if (!s.silent) {
		ctx.resource("rfs.check", "down");
		ctx.log("heart", "C", "Resource rfs.check set to down by rfscheck");
	}
	Object.assign(s, { silent: true, opened: false, writable: false, healing: null, loss: null });
	ctx.disarm("permission", "lease");
	// A step of this stop that waits for the process fails with it, and the stop goes on.
	if (s.phase === "stopping") return;
	ctx.log("heart", "C", `Action stopstart from failover rule ${rule}`);
	if (countsAsError(ctx)) return;
	if (s.config.automaticReboot) {
		ctx.effects.push({ type: "reboot" });
		return;
	}
	s.session = null;
	s.rule = rule;
	// Without the process the lease is not renewed: the other may have the address at any moment.
	beginStop(ctx, { again: true, action: "stopstart", stage: s.serving && usesLease(s) ? "drop" : undefined });
}

/** They were opened anew. */
export function mountsAnswer(ctx: Context): undefined {
	if (!ctx.s.silent) return;
	ctx.s.silent = false;
	ctx.resource("rfs.check", "up");
}
