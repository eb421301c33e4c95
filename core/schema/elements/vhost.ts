/** `<vhost>` (spec/02 §8). */
import { type AttributeType, choice, type ElementDeclaration, word } from "../declare.ts";

const envfile: AttributeType = {
	is: "pattern",
	pattern: "[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*",
	expected: "a file name below SAFEUSERBIN",
};

export const vhostElement: ElementDeclaration = {
	name: "vhost",
	doc: "Virtual host names for applications that want the same one on both servers.",
	max: 1,
	children: [
		{
			name: "virtualhostname",
			doc: "One virtual host name.",
			min: 1,
			unique: "name",
			attributes: {
				name: { type: word, required: true, doc: "The virtual host name." },
				envfile: {
					type: envfile,
					required: true,
					doc: "File below SAFEUSERBIN that `config` makes and scripts source to take the name.",
				},
				when: { type: choice("prim", "second", "both"), default: "prim", doc: "In which states the name is virtual." },
			},
		},
	],
};
