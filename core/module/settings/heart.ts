/** `<heart>` as the heartbeat service reads it (spec/02 §3). */
import { descendants, numberOf, textOf } from "../../schema/access.ts";
import type { Report } from "../../schema/report.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import type { HeartConfiguration } from "../configuration.ts";

/** The lan of a heartbeat that names its peers by address (before 7.2), unless cluster.xml is known and has them. */
const legacyLan = "default";

/** `replicates`: the module has `<rfs>`. */
export function heartSettings(
	heart: CheckedElement,
	defaultPort: number,
	replicates: boolean,
	report: Report,
): HeartConfiguration {
	const seen = new Set<string>();
	const heartbeats = descendants(heart, "heartbeat").map((element) => {
		const legacy = element.children.length > 0;
		const lan = textOf(element, "name") ?? legacyLan;
		const named = element.written.some((attribute) => attribute.name === "name");
		if (!named && !legacy) {
			report.add("CONFIG_MISSING", "the attribute name is missing", element.xml, {
				attribute: "name",
				expected: "a lan of cluster.xml",
			});
		} else if (named && legacy) {
			report.add("CONFIG_REPEATED", "a heartbeat has a name or <server> elements, not both", element.xml, {
				remedy: "Remove the <server> elements.",
			});
		}
		const ident = textOf(element, "ident") ?? lan;
		if (seen.has(ident)) {
			report.add("CONFIG_REPEATED", `two heartbeats have the ident ${ident}`, element.xml, {
				attribute: "ident",
				found: ident,
				expected: "an ident of its own",
			});
		}
		seen.add(ident);
		if (ident === "flow" && !replicates) {
			report.add(
				"CONFIG_VALUE",
				"a heartbeat with ident flow needs <rfs>: the module would wait for ever",
				element.xml,
				{
					attribute: "ident",
					found: ident,
					expected: "<rfs>",
					remedy: "Give the heartbeat another ident, or add <rfs>.",
				},
			);
		}
		const pulseMs = numberOf(element, "pulse") ?? numberOf(heart, "pulse") ?? 700;
		const timeoutMs = numberOf(element, "timeout") ?? numberOf(heart, "timeout") ?? 30_000;
		if (timeoutMs < 2 * pulseMs) {
			report.add(
				"CONFIG_VALUE",
				`a timeout of ${timeoutMs} ms is shorter than two pulses of ${pulseMs} ms`,
				element.xml,
				{
					attribute: "timeout",
					found: String(timeoutMs),
					expected: `at least ${2 * pulseMs}ms`,
					remedy: "Lengthen the timeout or shorten the pulse: one lost packet would count as a lost server.",
				},
			);
		}
		return { ident, lan, pulseMs, timeoutMs };
	});
	return { port: numberOf(heart, "port") ?? defaultPort, heartbeats };
}
