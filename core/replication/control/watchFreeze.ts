/** Hears in the facts of the data thread when acknowledgements freeze and thaw. */
import type { Context } from "./context.ts";

/** The same context, whose facts also tell when acknowledgements freeze and thaw. */
export function watchFreeze(context: Context, frozen: (frozen: boolean) => void): Context {
	return {
		...context,
		fact: (fact) => {
			if (fact.fact === "frozen") frozen(true);
			if (fact.fact === "thawed") frozen(false);
			context.fact(fact);
		},
	};
}
