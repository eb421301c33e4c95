/** `<errd>` and `<proc>` (spec/02 §9). */
import { choice, type ElementDeclaration, text, time } from "../declare.ts";

export const errdElement: ElementDeclaration = {
	name: "errd",
	doc: "Watches processes and services.",
	max: 1,
	attributes: { polltimer: { type: time("s", { min: 1 }), default: "30s", dyn: true, doc: "Time between two looks." } },
	children: [
		{
			name: "proc",
			doc: "One process or service.",
			attributes: {
				name: { type: text, required: true, dyn: true, doc: "Name of the command or service." },
				service: { type: choice("yes", "no"), default: "no", dyn: true, doc: "yes: a service of systemd or Windows." },
				nameregex: { type: { is: "regex" }, dyn: true, doc: "Regular expression on the command name (Linux)." },
				argregex: { type: { is: "regex" }, dyn: true, doc: "Regular expression on the whole command line." },
				class: {
					type: text,
					dyn: true,
					doc: "When it is watched: prim, second, both, pre, sec, or a name of your own.",
				},
				action: {
					type: text,
					default: "stopstart",
					dyn: true,
					doc: "What to do: restart, stopstart, stop, noaction, or a program.",
				},
				restart_services: { type: text, dyn: true, doc: "Services that a restart is limited to." },
				start_after: {
					type: { is: "integer", min: 0, max: 1_000_000 },
					default: "0",
					dyn: true,
					doc: "Looks to skip after the start.",
				},
				atleast: {
					type: { is: "integer", min: -1, max: 1_000_000 },
					default: "1",
					dyn: true,
					doc: "Fewer running: act; -1: do not care.",
				},
				atmax: {
					type: { is: "integer", min: -1, max: 1_000_000 },
					default: "-1",
					dyn: true,
					doc: "As many running: act; -1: do not care.",
				},
			},
		},
	],
};
