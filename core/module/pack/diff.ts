/** `module diff`: what an upgrade changes, and whether it needs a stop. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { noPermissions } from "../../sandbox/permissions.ts";
import { textOf } from "../../schema/access.ts";
import type { Schema } from "../../schema/schema.ts";
import { readUserconfig, type Userconfig } from "../../schema/userconfig.ts";
import type { ModuleFile } from "../advice/files.ts";
import { isScript } from "../advice/files.ts";
import { type Change, changeAsText, changesBetween } from "../changes.ts";
import { refuseErrors, userconfigName } from "../inspect.ts";
import { asksForMore, permissionsAsText } from "../package/asks.ts";
import { type Manifest, manifestName, readManifest } from "../package/manifest.ts";

/** One version of a module. */
export interface Version {
	/** In messages. */
	path: string;
	files: readonly ModuleFile[];
}

export type FileKind = "script" | "checker" | "program" | "other";

export interface FileChange {
	name: string;
	kind: FileKind;
	change: "added" | "removed" | "changed";
}

export interface Difference {
	/** Null: no module.json. */
	version: { from: string | null; to: string | null };
	permissions: { added: string[]; removed: string[] };
	/** What another core or plugin is asked for. */
	requires: { what: string; from: string | null; to: string | null }[];
	userconfig: (Change & { text: string })[];
	files: FileChange[];
	/** Changes that only a stopped module takes on, as `safekit config` decides it. Empty: none. */
	needsStop: string[];
}

/** @throws SafekitError CONFIG_INVALID: a userconfig.xml or module.json cannot be read. */
export async function differenceOf(before: Version, after: Version, schema: Schema): Promise<Difference> {
	const [old, now] = [await partsOf(before, schema), await partsOf(after, schema)];
	const mode = textOf(now.userconfig.service, "mode") ?? undefined;
	const changes = changesBetween(old.userconfig.service, now.userconfig.service, schema.service(mode));
	const [had, has] = [old.manifest?.permissions ?? noPermissions, now.manifest?.permissions ?? noPermissions];
	return {
		version: { from: old.manifest?.version ?? null, to: now.manifest?.version ?? null },
		permissions: {
			added: permissionsAsText(asksForMore(has, had)),
			removed: permissionsAsText(asksForMore(had, has)),
		},
		requires: [
			{ what: "core", from: old.manifest?.requires.core ?? null, to: now.manifest?.requires.core ?? null },
			{ what: "plugin", from: old.manifest?.plugin ?? null, to: now.manifest?.plugin ?? null },
		].filter(({ from, to }) => from !== to),
		userconfig: changes.map((change) => ({ ...change, text: changeAsText(change) })),
		files: fileChanges(old.digests, now.digests),
		needsStop: changes.filter(({ dyn }) => !dyn).map(changeAsText),
	};
}

interface Parts {
	manifest: Manifest | null;
	userconfig: Userconfig;
	digests: Map<string, string>;
}

async function partsOf({ path, files }: Version, schema: Schema): Promise<Parts> {
	const digests = new Map<string, string>();
	let manifest: Manifest | null = null;
	let xml: Uint8Array = Buffer.alloc(0);
	for (const { name, content } of files) {
		const bytes = await content();
		digests.set(name, createHash("sha256").update(bytes).digest("hex"));
		if (name === userconfigName) xml = bytes;
		if (name !== manifestName) continue;
		const read = readManifest(bytes, join(path, name));
		if ("problems" in read) refuseErrors(read.problems);
		else manifest = read.manifest;
	}
	const file = join(path, userconfigName);
	const userconfig = readUserconfig(xml, { file, schema, environment: {}, purpose: "check" });
	if ("problems" in userconfig) refuseErrors(userconfig.problems);
	return { manifest, userconfig: userconfig as Userconfig, digests };
}

/** userconfig.xml and module.json are told in words elsewhere. */
function fileChanges(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): FileChange[] {
	const names = [...new Set([...before.keys(), ...after.keys()])].sort();
	return names.flatMap((name): FileChange[] => {
		const [was, is] = [before.get(name), after.get(name)];
		if (was === is || name === userconfigName || name === manifestName) return [];
		const change = was === undefined ? "added" : is === undefined ? "removed" : "changed";
		return [{ name, kind: kindOf(name), change }];
	});
}

function kindOf(name: string): FileKind {
	if (!name.startsWith("bin/")) return "other";
	if (name.endsWith(".ts")) return "checker";
	return isScript(name.replace(/\.(ps1|cmd|bat|vbs|exe)$/i, "")) ? "script" : "program";
}
