/** `<user>` and `<var>` (spec/02 §7). */
import { choice, type ElementDeclaration, identifier, text, time } from "../declare.ts";

export const userElement: ElementDeclaration = {
	name: "user",
	doc: "The module's scripts; without it none is run.",
	max: 1,
	attributes: {
		nicestoptimeout: { type: time("s", { min: 1 }), default: "300s", dyn: true, doc: "Longest run of a stop script." },
		forcestoptimeout: {
			type: time("s", { min: 1 }),
			default: "300s",
			dyn: true,
			doc: "Longest run of a stop script called with force.",
		},
		logging: {
			type: choice("userlog", "none"),
			default: "userlog",
			dyn: true,
			doc: "Where the output of scripts goes.",
		},
		userlogsize: {
			type: { is: "integer", min: 1, max: 1_048_576 },
			default: "2048",
			dyn: true,
			doc: "Largest user log, in KB.",
		},
	},
	children: [
		{
			name: "var",
			doc: "A variable of the scripts' environment.",
			// Scripts read the file with XPath tools, and would get several lines (spec/09 §6.4).
			unique: "name",
			attributes: {
				name: { type: identifier, required: true, dyn: true, doc: "Name of the variable." },
				value: { type: text, required: true, mayBeEmpty: true, dyn: true, doc: "Its value." },
			},
		},
	],
};
