/** `<failover>` (spec/02 §11): its rules are text, in CDATA. */
import { choice, type ElementDeclaration, time } from "../declare.ts";

export const failoverElement: ElementDeclaration = {
	name: "failover",
	doc: "Failover rules in CDATA, as `disk: if (custom.disk == down) then wait();`; a section that begins with `--Lua Rules` has them in the Lua form.",
	max: 1,
	text: true,
	attributes: {
		extends: {
			type: choice("yes", "no"),
			default: "yes",
			doc: "no: module_failure, interface_failure and ip_failure do not apply.",
		},
		period: {
			type: time("ms", { min: 1 }),
			default: "5000ms",
			doc: "Unit of handle_time. Rules are looked at whenever something changes, not only once in this time.",
		},
		handle_time: {
			type: time("ms"),
			default: "15000ms",
			doc: "How long a condition must hold before its rule acts; a multiple of period.",
		},
	},
};
