/** `<rfs>` as replication reads it (spec/06 §2). */
import { child, descendants, isOn, numberOf, textOf } from "../../schema/access.ts";
import type { Report } from "../../schema/report.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import type { HeartConfiguration, ReplicatedDirectory, RfsConfiguration } from "../configuration.ts";
import { scheduleProblem } from "../schedule.ts";

export function rfsSettings(
	rfs: CheckedElement,
	heart: HeartConfiguration | null,
	port: number,
	report: Report,
): RfsConfiguration {
	const flow = child(rfs, "flow");
	const flowing = heart?.heartbeats.find((each) => each.ident === "flow");
	const lan = flowing?.lan ?? (flow && textOf(flow, "name")) ?? heart?.heartbeats[0]?.lan ?? "default";
	return {
		port,
		lan,
		async: textOf(rfs, "async") === "none" ? "none" : "second",
		acl: isOn(rfs, "acl"),
		lockTimeoutMs: numberOf(rfs, "locktimeout") ?? 100_000,
		sendTimeoutMs: numberOf(rfs, "sendtimeout") ?? 30_000,
		ioTimeoutMs: numberOf(rfs, "iotimeout") ?? 300_000,
		checkTimeMs: numberOf(rfs, "checktime") ?? 220_000,
		checkIntervalMs: numberOf(rfs, "checkintv") ?? 120_000,
		syncDeltaMs: numberOf(rfs, "syncdelta") ?? 0,
		syncAt: schedule(rfs, report),
		nbrei: numberOf(rfs, "nbrei") ?? 6,
		reiTimeoutMs: numberOf(rfs, "reitimeout") ?? 150_000,
		reiDetail: isOn(rfs, "reidetail"),
		nbremconn: numberOf(rfs, "nbremconn") ?? 1,
		reiAllowedBandwidth: numberOf(rfs, "reiallowedbw"),
		scripts: isOn(rfs, "scripts"),
		directories: directories(rfs, report),
	};
}

/** `syncat`, as crontab has it (spec/06 §2). */
function schedule(rfs: CheckedElement, report: Report): string | null {
	const given = textOf(rfs, "syncat")?.trim() ?? "";
	if (given === "") return null;
	const wrong = scheduleProblem(given);
	if (wrong === null) return given;
	report.add("CONFIG_VALUE", `syncat="${given}" is no schedule: ${wrong}`, rfs.xml, {
		attribute: "syncat",
		found: given,
		expected: "five fields as in crontab, such as 01 0 * * *",
	});
	return null;
}

function directories(rfs: CheckedElement, report: Report): ReplicatedDirectory[] {
	const read: ReplicatedDirectory[] = [];
	for (const element of descendants(rfs, "replicated")) {
		const dir = textOf(element, "dir");
		const excluded = descendants(element, "notreplicated");
		// A blank directory was reported where it stands.
		if (dir === null) continue;
		const other = read.find((each) => overlaps(each.dir, dir));
		if (other !== undefined) {
			const remedy = "Keep the outer one, or choose directories that do not contain each other.";
			report.add("CONFIG_DIRECTORY", `${dir} and ${other.dir} overlap`, element.xml, {
				attribute: "dir",
				found: dir,
				remedy,
			});
		}
		read.push({
			dir,
			tocheck: texts(descendants(element, "tocheck"), "path"),
			notReplicatedPaths: texts(excluded, "path"),
			notReplicatedRegexes: texts(excluded, "regexpath"),
		});
	}
	return read;
}

function texts(elements: CheckedElement[], attribute: string): string[] {
	return elements.map((element) => textOf(element, attribute)).filter((value) => value !== null);
}

/** One is the other, or contains it. Separators of both systems count. */
export function overlaps(one: string, other: string): boolean {
	const [a, b] = [one, other].map((path) => `${path.replaceAll("\\", "/").replace(/\/+$/, "")}/`) as [string, string];
	return a.startsWith(b) || b.startsWith(a);
}
