/** What persons see of the module. */
import { heldRules, type StateView } from "../../sdk/index.ts";
import type { UpState } from "./state.ts";

export function view(s: UpState): StateView {
	return {
		main: s.main,
		status: s.status,
		peer: { state: "UNKNOWN", status: "Unknown" },
		uptodate: null,
		rule: s.rule,
		why: why(s),
		loop: s.loop,
		held: heldRules(s.holding),
	};
}

/** The sentence that a person reads. */
function why(s: UpState): string {
	switch (s.phase) {
		case "starting":
			return "Starting: prestart is running";
		case "up":
			if (s.plan?.kind === "restart") return "The application is being stopped and started again";
			return s.plan === null ? "The application runs" : "The application is being started";
		case "stopping":
			return s.stopping?.again ? "Stopping, to start again" : "Stopping";
		default:
			return s.why;
	}
}
