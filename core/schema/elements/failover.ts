/** `<failover>` (spec/02 §11): its rules are kept as text. */
import { choice, type ElementDeclaration, time } from "../declare.ts";

export const failoverElement: ElementDeclaration = {
	name: "failover",
	doc: "Failover rules of the module's own.",
	max: 1,
	carried: "later",
	text: true,
	attributes: {
		extends: { type: choice("yes", "no"), default: "yes", doc: "no: the default rules do not apply." },
		period: { type: time("ms", { min: 1 }), default: "5000ms", doc: "Time between two evaluations." },
		handle_time: {
			type: time("ms"),
			default: "15000ms",
			doc: "How long a decision must hold before it is carried out.",
		},
	},
};
