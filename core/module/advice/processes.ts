/** Names of processes and services that this server cannot have (spec/02 §9). */
import { descendants, textOf } from "../../schema/access.ts";
import type { Userconfig } from "../../schema/userconfig.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import type { ServerFacts } from "./server.ts";

/** What the systems keep of a command's name. */
const limits = { linux: 15, windows: 63 };

export function processAdvice(read: Userconfig, forWindows: boolean): void {
	const limit = forWindows ? limits.windows : limits.linux;
	for (const element of descendants(read.service, "errd", "proc")) {
		const name = textOf(element, "name")?.trim() ?? "";
		if (name.length <= limit || textOf(element, "service") === "yes" || textOf(element, "nameregex") !== null) continue;
		const short = name.slice(0, limit);
		const system = forWindows ? "Windows" : "Linux";
		read.report.add(
			"CONFIG_VALUE",
			`${system} keeps ${limit} characters of a process name: any ${short}… counts as ${name}`,
			element.xml,
			{
				severity: "warning",
				attribute: "name",
				found: name,
				expected: `at most ${limit} characters`,
				remedy: forWindows
					? "Write the name as the task manager shows it."
					: `Write ${short}, as \`ps -e -o comm\` shows it, and add argregex to tell commands apart that begin alike.`,
			},
		);
	}
}

interface Named {
	service: string;
	element: CheckedElement;
	attribute: string;
}

/** Services may be installed later, so what is missing is only told. */
export async function serviceAdvice(read: Userconfig, server: ServerFacts): Promise<void> {
	const named = servicesOf(read.service);
	if (named.length === 0) return;
	const states = await server.services([...new Set(named.map(({ service }) => service))]);
	for (const { service, element, attribute } of named) {
		if (states.get(service) !== "absent") continue;
		read.report.add("CONFIG_SERVICE", `there is no service ${service} on this server`, element.xml, {
			severity: "warning",
			attribute,
			found: service,
			expected: `a service (${service})`,
		});
	}
}

function servicesOf(service: CheckedElement): Named[] {
	const of = (element: CheckedElement, attribute: string): Named[] =>
		(textOf(element, attribute) ?? "")
			.split(",")
			.map((name) => name.trim())
			.filter((name) => name !== "")
			.map((name) => ({ service: name, element, attribute }));
	const watched = descendants(service, "errd", "proc").filter((element) => textOf(element, "service") === "yes");
	// By this variable the scripts of published modules know what to start (spec/09 §3).
	const variables = descendants(service, "user", "var").filter((element) => textOf(element, "name") === "SERVICES");
	return [
		...watched.flatMap((element) => [...of(element, "name"), ...of(element, "restart_services")]),
		...variables.flatMap((element) => of(element, "value")),
	];
}
