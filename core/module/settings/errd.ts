/** `<errd>` as the monitoring of processes and services reads it (spec/02 §9). */
import { child, descendants, numberOf, textOf } from "../../schema/access.ts";
import type { Report } from "../../schema/report.ts";
import type { CheckedElement } from "../../schema/validate.ts";

export interface ErrdSettings {
	/** Time between two looks. */
	pollMs: number;
	/** In the order of the file. */
	procs: ProcSettings[];
}

export interface ProcSettings {
	/** Name of the command or of the service; with `nameRegex` it only labels the resource. */
	name: string;
	/** `proc.<name>`; several of one name share it. */
	resource: string;
	service: boolean;
	/** POSIX extended regular expressions. */
	nameRegex: string | null;
	argRegex: string | null;
	/** prim, second, sec, both, pre: with the scripts of that name; any other: by `safekit errd enable`. */
	class: string;
	action: "restart" | "stopstart" | "stop" | "noaction" | { handler: string };
	/** Services to which a restart is limited, as the scripts get them; null: all. */
	restartServices: string | null;
	/** Looks that are skipped after the class is enabled: `start_after` − 1, at least 0. */
	skippedLooks: number;
	/** Fewer running: act. Null: any number will do. */
	atLeast: number | null;
	/** As many running, but at least one: act. Null: any number will do. */
	atMost: number | null;
}

/** Classes that follow the scripts of the module. */
export const automaticClasses: ReadonlySet<string> = new Set(["pre", "prim", "second", "sec", "both"]);
const actions = ["restart", "stopstart", "stop", "noaction"] as const;

/** Null: the module watches no processes. What contradicts itself is added to the report. */
export function errdSettings(service: CheckedElement, report: Report): ErrdSettings | null {
	const errd = child(service, "errd");
	if (errd === undefined) return null;
	const usual = textOf(service, "mode") === "mirror" ? "prim" : "both";
	const procs = descendants(errd, "proc").map((element) => proc(element, usual, report));
	return { pollMs: numberOf(errd, "polltimer") ?? 30_000, procs };
}

function proc(element: CheckedElement, usualClass: string, report: Report): ProcSettings {
	const name = textOf(element, "name")?.trim() ?? "";
	const action = textOf(element, "action")?.trim() ?? "stopstart";
	const known = actions.find((each) => each === action);
	const service = textOf(element, "service") === "yes";
	const of = textOf(element, "class")?.trim() ?? usualClass;
	const services = textOf(element, "restart_services");
	if (services !== null && !(service && known === "restart")) {
		report.add("CONFIG_VALUE", "restart_services has no effect here", element.xml, {
			severity: "warning",
			attribute: "restart_services",
			found: services,
			expected: 'service="yes" and action="restart"',
			remedy: 'Add service="yes" and action="restart", or remove restart_services.',
		});
	}
	if (known === undefined && automaticClasses.has(of)) {
		report.add("CONFIG_VALUE", `the handler ${action} needs a class of its own`, element.xml, {
			severity: "warning",
			attribute: "class",
			found: of,
			expected: "a name that no script has",
			remedy:
				"The class goes with the module's scripts; a class of your own is switched with `safekit errd enable|disable`.",
		});
	}
	const atMost = numberOf(element, "atmax") ?? -1;
	// Whoever wants none of them running does not mean that one should.
	const wanted = atMost === 0 && !element.written.some((each) => each.name === "atleast") ? -1 : 1;
	const atLeast = wanted < 0 ? wanted : (numberOf(element, "atleast") ?? 1);
	return {
		name,
		resource: `proc.${name}`,
		service,
		nameRegex: textOf(element, "nameregex"),
		argRegex: textOf(element, "argregex"),
		class: of,
		action: known ?? { handler: action },
		restartServices: service && known === "restart" ? services : null,
		skippedLooks: Math.max(0, (numberOf(element, "start_after") ?? 0) - 1),
		atLeast: atLeast < 0 ? null : atLeast,
		atMost: atMost < 0 ? null : atMost,
	};
}
