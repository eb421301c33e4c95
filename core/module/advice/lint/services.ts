/** Services that a start script starts by name and that no stop script stops: after a failover they run on both servers. */
import { LineIndex } from "../../../schema/xml/element.ts";
import { type Finding, findingAt, type Language, type Source, withoutEnding } from "./source.ts";

interface Pair {
	languages: readonly Language[];
	/** The first group holds the names, or one of the first two. */
	start: RegExp;
	stop(name: string): RegExp;
}

const name = `("[^"$%\`]+"|'[^'$%]+'|[\\w.@:\\\\-]+)`;
const names = `([\\w.@:-]+(?:[ \\t]+[\\w.@:-]+)*)`;
const shell = ["shell"] as const;
const windows = ["cmd", "powershell"] as const;

const pairs: readonly Pair[] = [
	{
		languages: shell,
		start: new RegExp(`\\bsystemctl(?:[ \\t]+-[-\\w=]+)*[ \\t]+(?:re)?start(?:[ \\t]+-[-\\w=]+)*[ \\t]+${names}`, "g"),
		stop: (its) =>
			new RegExp(
				`\\bsystemctl\\b[^\\n]*[ \\t](?:stop|kill|disable)\\b[^\\n]*[ \\t"']${bare(its)}(?:\\.service)?(?![\\w@:-])`,
			),
	},
	{
		languages: shell,
		start: new RegExp(`(?:\\bservice[ \\t]+|/etc/init\\.d/)${name}[ \\t]+(?:re)?start\\b`, "g"),
		stop: (its) =>
			new RegExp(
				`(?:\\bservice[ \\t]+|/etc/init\\.d/)["']?${bare(its)}["']?[ \\t]+stop\\b|\\bsystemctl\\b[^\\n]*[ \\t]stop\\b[^\\n]*\\b${bare(its)}\\b`,
			),
	},
	{
		languages: shell,
		start: new RegExp(`\\b(?:docker|podman)[ \\t]+(?:re)?start[ \\t]+${names}`, "g"),
		stop: (its) => new RegExp(`\\b(?:docker|podman)[ \\t]+(?:stop|kill|rm)\\b[^\\n]*[ \\t"']${bare(its)}(?![\\w-])`),
	},
	{
		languages: windows,
		start: new RegExp(`\\b(?:net|sc)(?:\\.exe)?[ \\t]+start[ \\t]+${name}`, "gi"),
		stop: windowsStop,
	},
	{
		languages: ["powershell"],
		start: new RegExp(`\\b(?:Start|Restart)-Service[ \\t]+(?:-(?:Name|DisplayName)[ \\t]+)?${name}`, "gi"),
		stop: windowsStop,
	},
];

function windowsStop(its: string): RegExp {
	const quoted = `["']?${escaped(its)}["']?(?![\\w-])`;
	return new RegExp(
		`\\b(?:net|sc)(?:\\.exe)?[ \\t]+stop[ \\t]+${quoted}|\\b(?:Stop-Service|taskkill|Stop-Process)\\b[^\\n]*${quoted}`,
		"i",
	);
}

/** Options and names from variables say nothing here. */
export function serviceFindings(sources: readonly Source[]): Map<Source, Finding[]> {
	const found = new Map<Source, Finding[]>();
	const told = new Set<string>();
	for (const source of sources) {
		if (!/^bin\/start_(prim|both|second|sec)$/.test(withoutEnding(source.name))) continue;
		const text = withoutComments(source);
		for (const { languages, start, stop } of pairs) {
			if (!languages.includes(source.language)) continue;
			for (const match of text.matchAll(start)) {
				for (const service of servicesIn(match[1] ?? "")) {
					if (told.has(service) || sources.some((each) => stops(each, stop(service)))) continue;
					told.add(service);
					const at = match.index + match[0].lastIndexOf(service);
					const message = `${service} is started here, and no stop script stops it`;
					const finding = findingAt(new LineIndex(source.text), at, { code: "LINT_SERVICE", message });
					found.set(source, [...(found.get(source) ?? []), finding]);
				}
			}
		}
	}
	return found;
}

function servicesIn(written: string): string[] {
	if (/^["']/.test(written)) return [written.slice(1, -1)];
	return (
		written
			.split(/[ \t]+/)
			// The number of a redirection is no service.
			.filter((each) => each !== "" && !each.startsWith("-") && !/^\d+$/.test(each))
			.map((each) => each.replace(/\.service$/, ""))
	);
}

/** A library that stop scripts load may do it for them; a start script does it before a start. */
function stops(source: Source, stop: RegExp): boolean {
	return !/^bin\/(start_|transition|prestart)/.test(source.name) && stop.test(withoutComments(source));
}

function withoutComments({ language, text }: Source): string {
	const comment = language === "cmd" ? /^[ \t]*(?:@?rem\b|::).*$/gim : /^[ \t]*#.*$/gm;
	return text.replace(comment, (all) => " ".repeat(all.length));
}

function bare(its: string): string {
	return escaped(its.replace(/\.service$/, ""));
}

function escaped(its: string): string {
	return its.replaceAll(/[.*+?^$()|[\]{}\\]/g, "\\$&");
}
