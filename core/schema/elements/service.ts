/** `<macro>` and the attributes of `<service>` (spec/02 §1, §2). */
import {
	type AttributeDeclaration,
	choice,
	count,
	type ElementDeclaration,
	identifier,
	onOff,
	text,
	time,
	word,
} from "../declare.ts";

/** A year: loop_interval is compared with dates, no timer waits for it. */
const yearMs = 365 * 86_400_000;

export const macroElement: ElementDeclaration = {
	name: "macro",
	doc: "Text that replaces %name% in the values of the rest of the file.",
	attributes: {
		name: { type: identifier, required: true, doc: "Name of the macro; capitals count." },
		value: { type: text, required: true, mayBeEmpty: true, doc: "What %name% stands for." },
	},
};

export const serviceAttributes: Readonly<Record<string, AttributeDeclaration>> = {
	mode: {
		type: choice("mirror", "farm", "light"),
		required: true,
		doc: "mirror: one primary and its replicated copy; farm: the application on all nodes; light: one node alone.",
	},
	boot: {
		type: choice("on", "off", "auto", "ignore"),
		default: "ignore",
		dyn: true,
		doc: "Whether the module starts with the server; auto: if it ran before; ignore: `safekit boot` decides.",
	},
	boot_delay: { type: time("s"), default: "0s", dyn: true, doc: "Wait before the start at boot." },
	failover: { type: onOff, default: "on", doc: "Mirror: whether the secondary takes over by itself." },
	defaultprim: {
		type: word,
		default: "alone",
		doc: "Mirror: who is primary when both run: alone, lastprim, or the name of a server.",
	},
	maxloop: { type: count, default: "3", dyn: true, doc: "Consecutive error actions after which the module stops." },
	loop_interval: {
		type: time("h", { maxMs: yearMs }),
		default: "24h",
		dyn: true,
		doc: "Window in which maxloop counts; 0: never.",
	},
	automatic_reboot: {
		type: onOff,
		default: "off",
		dyn: true,
		doc: "Whether an error's stopstart restarts the whole server.",
	},
};
