/** Names of package entries: what they become below the module's folder, and which are refused. Pure. */
import { SafekitError } from "../../errors.ts";

const maxNameBytes = 255;
const maxDepth = 32;

/** A name that may be used below a folder: relative, `/` between its parts; a folder's ends in `/`. */
export function safeName(raw: Uint8Array): string {
	const shown = JSON.stringify(Buffer.from(raw).toString("utf8").slice(0, 120));
	const refuse = (why: string): never => {
		throw new SafekitError("PACKAGE_NAME", `the entry ${shown} ${why}`);
	};
	if (raw.length === 0) refuse("has no name");
	if (raw.length > maxNameBytes) refuse(`has a name of ${raw.length} bytes, ${maxNameBytes} are the limit`);
	let decoded = "";
	try {
		decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
	} catch {
		refuse("has a name that is not UTF-8");
	}
	const name = decoded.replaceAll("\\", "/");
	// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come in
	if (/[\u0000-\u001f\u007f]/.test(name)) refuse("has a control character in its name");
	if (name.startsWith("/")) refuse("has an absolute name");
	if (/^[A-Za-z]:/.test(name)) refuse("names a drive");
	if (name.includes(":")) refuse("has a colon in its name, which Windows reads as a drive or a stream");
	const isFolder = name.endsWith("/");
	const parts = name.split("/").filter((part) => part !== "" && part !== ".");
	if (parts.includes("..")) refuse("leaves the module's folder");
	if (parts.some((part) => /[. ]$/.test(part))) refuse("has a part that ends in a dot or blank, which Windows drops");
	if (parts.length > maxDepth) refuse(`is nested deeper than ${maxDepth} folders`);
	return `${parts.join("/")}${isFolder && parts.length > 0 ? "/" : ""}`;
}

/** What the Finder of macOS puts beside the files when it packs a folder. */
export function isPackingLitter(name: string): boolean {
	return name.startsWith("__MACOSX/") || name.split("/").at(-1) === ".DS_Store";
}

/**
 * The folder that all names share and that has to go (spec/09 §1: made by "compress this folder"), with its `/`;
 * "" if the module's files lie at the top as they should.
 */
export function commonTopFolder(names: readonly string[]): string {
	const top = names[0]?.split("/")[0];
	if (top === undefined || names.includes("conf/userconfig.xml")) return "";
	const prefix = `${top}/`;
	return names.every((name) => name.startsWith(prefix)) && names.includes(`${prefix}conf/userconfig.xml`) ? prefix : "";
}

/** Refuses names that would meet on a disk: equal ones, also without regard to capitals, and a file used as a folder. */
export function refuseCollisions(names: readonly string[]): void {
	const seen = new Map<string, string>();
	const folders = new Map<string, string>();
	for (const name of names) {
		const key = name.toLowerCase().replace(/\/$/, "");
		const other = seen.get(key);
		if (other !== undefined) {
			const same = other === name ? "stands twice" : `and ${JSON.stringify(other)} differ only in capitals`;
			throw new SafekitError("PACKAGE_DUPLICATE", `the entry ${JSON.stringify(name)} ${same}`);
		}
		seen.set(key, name);
		if (name.endsWith("/")) folders.set(key, name);
		for (let at = key.indexOf("/"); at >= 0; at = key.indexOf("/", at + 1)) folders.set(key.slice(0, at), name);
	}
	for (const [key, name] of seen) {
		const inside = folders.get(key);
		if (inside !== undefined && !name.endsWith("/")) {
			throw new SafekitError(
				"PACKAGE_DUPLICATE",
				`the entry ${JSON.stringify(name)} is a file, and a folder for ${JSON.stringify(inside)}`,
			);
		}
	}
}
