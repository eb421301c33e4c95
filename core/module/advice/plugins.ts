/** A module as the advice of plugins sees it, and what they say of it. */
import type { AdvisedElement, AdvisedModule } from "../../engine/plugin.ts";
import type { Problem } from "../../errors.ts";
import type { Report } from "../../schema/report.ts";
import type { Userconfig } from "../../schema/userconfig.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import type { ModuleFile } from "./files.ts";

/** Asks the plugins that are loaded. `base`: the package or folder in messages. */
export type PluginAdvice = (module: AdvisedModule, base: string) => Promise<Problem[]>;

const maxFileBytes = 256 * 1024;
const maxTextBytes = 8 * 1024 * 1024;

export async function advisedModule(read: Userconfig, files: readonly ModuleFile[]): Promise<AdvisedModule> {
	let left = maxTextBytes;
	const seen: AdvisedModule["files"][number][] = [];
	for (const { name, content } of files) {
		const bytes = await content();
		const text = bytes.length <= Math.min(maxFileBytes, left) ? textOf(bytes) : null;
		if (text !== null) left -= bytes.length;
		seen.push({ name, bytes: bytes.length, text });
	}
	return { service: advisedElement(read.service, read.report), files: seen };
}

function advisedElement({ name, values, children, xml }: CheckedElement, report: Report): AdvisedElement {
	return {
		...{ name, values: { ...values } },
		children: children.map((child) => advisedElement(child, report)),
		...report.place(xml.offset),
	};
}

function textOf(bytes: Uint8Array): string | null {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch {
		return null;
	}
}
