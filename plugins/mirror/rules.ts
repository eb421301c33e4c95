/** M18, M19: what the failover rules of the configuration make of a mirror. */
import { type Stamped, takeRule } from "../../sdk/index.ts";
import { countsAsError } from "./commands.ts";
import type { Context } from "./context.ts";
import { beginStop } from "./passages.ts";

export function applyRule(ctx: Context, event: Stamped & { type: "rule" }): undefined {
	if (takeRule(ctx, event) && !countsAsError(ctx)) beginStop(ctx, { again: true, action: "stopwait" });
}
