/** `<vhost>` (spec/02 §8). */
import { choice, type ElementDeclaration, text, word } from "../declare.ts";

export const vhostElement: ElementDeclaration = {
	name: "vhost",
	doc: "Virtual host names for applications that want the same one on both servers.",
	max: 1,
	carried: "later",
	children: [
		{
			name: "virtualhostname",
			doc: "One virtual host name.",
			min: 1,
			unique: "name",
			attributes: {
				name: { type: word, required: true, doc: "The virtual host name." },
				envfile: { type: text, required: true, doc: "File that scripts source to take the name." },
				when: { type: choice("prim", "second", "both"), default: "prim", doc: "In which states the name is virtual." },
			},
		},
	],
};
