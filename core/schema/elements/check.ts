/** `<check>` and its checkers (spec/02 §10). */
import {
	type AttributeDeclaration,
	address,
	choice,
	type ElementDeclaration,
	onOff,
	port,
	text,
	time,
	word,
} from "../declare.ts";

const interval: AttributeDeclaration = {
	type: time("s", { min: 1 }),
	default: "10s",
	dyn: true,
	doc: "Time between two tests.",
};
const timeout: AttributeDeclaration = {
	type: time("s", { min: 1 }),
	default: "5s",
	dyn: true,
	doc: "Longest wait for an answer.",
};
const action: AttributeDeclaration = {
	type: choice("restart", "stop", "stopstart", "wait", "noaction"),
	dyn: true,
	doc: "What happens when the resource is down.",
};
const moments = choice("pre", "prim", "second", "both");

function ident(doc: string): AttributeDeclaration {
	return { type: word, required: true, dyn: true, doc };
}

/** What is tested; `min` 0: it may be left out. */
function to(attributes: Readonly<Record<string, AttributeDeclaration>>, min = 1): ElementDeclaration {
	return { name: "to", doc: "What is tested.", min, max: 1, attributes };
}

const tested: AttributeDeclaration = { type: address, required: true, dyn: true, doc: "Address that is tested." };

const repeated: ElementDeclaration[] = [
	{
		name: "tcp",
		doc: "Opens a TCP connection.",
		unique: "ident",
		attributes: {
			ident: ident("The resource is tcp.<ident>."),
			when: { type: moments, required: true, dyn: true, doc: "In which states it runs." },
			action,
		},
		children: [
			to({ addr: tested, port: { type: port, required: true, dyn: true, doc: "TCP port." }, interval, timeout }),
		],
	},
	{
		name: "ping",
		doc: "Pings an address.",
		unique: "ident",
		attributes: {
			ident: ident("The resource is ping.<ident>."),
			when: { type: moments, default: "pre", dyn: true, doc: "In which states it runs." },
			action,
		},
		children: [to({ addr: tested, interval, timeout })],
	},
	{
		name: "intf",
		doc: "Watches the network interface of a local address.",
		unique: "ident",
		attributes: {
			ident: ident("The resource is intf.<ident>."),
			when: { type: choice("pre"), default: "pre", dyn: true, doc: "Always pre." },
		},
		children: [to({ local_addr: { type: address, required: true, dyn: true, doc: "Local address." } })],
	},
	{
		name: "ip",
		doc: "Watches that a virtual address is set.",
		unique: "ident",
		attributes: {
			ident: ident("The resource is ip.<ident>."),
			when: { type: choice("prim", "both"), dyn: true, doc: "By mode." },
		},
		children: [to({ addr: tested, interval })],
	},
	{
		name: "custom",
		doc: "A checker of the module's own.",
		unique: "ident",
		attributes: {
			ident: ident("The resource is custom.<ident>."),
			when: { type: moments, required: true, dyn: true, doc: "In which states it runs." },
			exec: { type: text, required: true, dyn: true, doc: "Program, relative to bin/." },
			arg: { type: text, mayBeEmpty: true, dyn: true, doc: "Arguments." },
			action: { ...action, default: "noaction" },
		},
	},
	{
		name: "module",
		doc: "Follows the state of another module.",
		attributes: {
			name: { type: word, dyn: true, doc: "The other module; has to be given." },
			ident: { type: word, dyn: true, doc: "The resource is module.<ident>." },
		},
		children: [
			to(
				{
					addr: { type: address, default: "127.0.0.1", dyn: true, doc: "Server of the other module." },
					port: { type: port, default: "9010", dyn: true, doc: "Its web service." },
					interval,
					timeout,
					secure: { type: onOff, default: "off", dyn: true, doc: "Over HTTPS." },
				},
				0,
			),
		],
	},
];

const splitbrain: ElementDeclaration = {
	name: "splitbrain",
	doc: "Pings addresses beyond both servers before going alone; this is no witness in the sense of a lease.",
	max: 1,
	attributes: {
		ident: ident("The resource is splitbrain.<ident>."),
		exec: { type: choice("ping"), required: true, dyn: true, doc: "Always ping." },
		arg: { type: text, required: true, dyn: true, doc: "Addresses, with blanks between them." },
		when: { type: choice("pre"), default: "pre", dyn: true, doc: "Always pre." },
	},
};

export const checkElement: ElementDeclaration = {
	name: "check",
	doc: "Checkers of the module.",
	max: 1,
	mayRepeat: true,
	children: [
		...repeated,
		splitbrain,
		// One example of the guide has it; read as if its checkers stood in the outer element.
		{
			name: "check",
			doc: "A `<check>` inside a `<check>`.",
			carried: "legacy",
			instead: "put the checkers into the outer <check>",
			children: [...repeated, splitbrain],
		},
	],
};

/** The element of a kind of checker that a plugin brings. */
export function checkerElement({
	name,
	doc,
	attributes,
}: Pick<ElementDeclaration, "name" | "doc" | "attributes">): ElementDeclaration {
	return {
		name,
		doc,
		unique: "ident",
		attributes: {
			ident: ident(`The resource is ${name}.<ident>.`),
			when: { type: moments, required: true, dyn: true, doc: "In which states it runs." },
			action,
		},
		children: [to({ ...attributes, interval, timeout })],
	};
}
