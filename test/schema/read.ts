/** Short ways to read a configuration in tests. */
import type { Problem } from "../../core/errors.ts";
import type { ModuleConfiguration } from "../../core/module/configuration.ts";
import { inspect } from "../../core/module/inspect.ts";
import { moduleSettings } from "../../core/module/settings/module.ts";
import { readUserconfig } from "../../core/schema/userconfig.ts";
import { schema } from "../module/place.ts";

export const heart = '<heart><heartbeat name="default"/></heart>';
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function problemsOf(
	xml: string,
	purpose: "config" | "check" = "config",
	environment: Record<string, string> = {},
): Problem[] {
	return inspect(bytes(xml), "u.xml", "m", 1, { schema, environment, purpose }).problems;
}

export function mirror(inner: string, attributes = ""): string {
	return `<safe><service mode="mirror"${attributes}>${heart}${inner}</service></safe>`;
}

export function configurationOf(xml: string, id = 1, environment: Record<string, string> = {}): ModuleConfiguration {
	const read = readUserconfig(bytes(xml), { file: "u.xml", schema, environment, purpose: "config" });
	if ("problems" in read) throw new Error(JSON.stringify(read.problems));
	return moduleSettings("m", id, read);
}
