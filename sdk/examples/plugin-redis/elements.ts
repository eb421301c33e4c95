/** What userconfig.xml says about Redis beside its checkers. */
import { type ElementDeclaration, text } from "opensafe";

export const redisAccess: ElementDeclaration = {
	name: "redis_access",
	doc: "How the checkers of Redis log in.",
	max: 1,
	attributes: {
		user: { type: text, default: "default", dyn: true, doc: "User of Redis (ACL)." },
		password: { type: text, required: true, dyn: true, doc: "Its password; a <macro> keeps it in one place." },
	},
};
