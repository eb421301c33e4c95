/** The configuration of one module, as the services read it, from the checked elements of its userconfig.xml. */
import { child, descendants, isOn, numberOf, textOf } from "../../schema/access.ts";
import type { Userconfig } from "../../schema/userconfig.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import type { ModuleConfiguration, UserConfiguration } from "../configuration.ts";
import { portsOf } from "../ports.ts";
import { checkerSettings } from "./checkers.ts";
import { errdSettings } from "./errd.ts";
import { failoverSettings } from "./failover.ts";
import { farmSettings } from "./farm.ts";
import { heartSettings } from "./heart.ts";
import { rfsSettings } from "./rfs.ts";
import { checkVirtualHosts } from "./vhost.ts";
import { vipSettings } from "./vip.ts";

/**
 * Fills in every default. What contradicts itself across elements is added to the report of `read`; the result may
 * be used only if that report holds no error.
 */
export function moduleSettings(module: string, id: number, read: Userconfig): ModuleConfiguration {
	const { service, report } = read;
	const ports = portsOf(id);
	const mode = textOf(service, "mode");
	const [heartElement, farm, vip, rfs, user] = ["heart", "farm", "vip", "rfs", "user"].map((name) =>
		child(service, name),
	);
	const heart = heartElement === undefined ? null : heartSettings(heartElement, ports.heart, rfs !== undefined, report);
	checkVirtualHosts(service, report);
	const addresses = vip !== undefined && (mode === "mirror" || mode === "farm") ? vipSettings(vip, mode, report) : null;
	return {
		module,
		id,
		mode: mode ?? "mirror",
		boot: (textOf(service, "boot") ?? "ignore") as ModuleConfiguration["boot"],
		bootDelayMs: numberOf(service, "boot_delay") ?? 0,
		failover: isOn(service, "failover"),
		defaultprim: textOf(service, "defaultprim") ?? "alone",
		maxloop: numberOf(service, "maxloop") ?? 3,
		loopIntervalMs: numberOf(service, "loop_interval") ?? 86_400_000,
		automaticReboot: isOn(service, "automatic_reboot"),
		encryption: true,
		heart,
		farm: farm === undefined ? null : farmSettings(farm, ports.farm, report),
		vip: addresses,
		rfs: rfs === undefined ? null : rfsSettings(rfs, heart, ports.rfs, report),
		user: user === undefined ? null : userSettings(user),
		splitbrain: splitbrainSettings(service, read),
		checkers: checkerSettings(service, addresses, report),
		errd: errdSettings(service, report),
		failoverRules: failoverSettings(service, report),
		unsupported: read.unsupported,
	};
}

function userSettings(user: CheckedElement): UserConfiguration {
	return {
		niceStopTimeoutMs: numberOf(user, "nicestoptimeout") ?? 300_000,
		forceStopTimeoutMs: numberOf(user, "forcestoptimeout") ?? 300_000,
		logging: textOf(user, "logging") !== "none",
		userlogSizeKb: numberOf(user, "userlogsize") ?? 2048,
		vars: descendants(user, "var").map((element) => ({
			name: textOf(element, "name") ?? "",
			value: textOf(element, "value") ?? "",
		})),
	};
}

function splitbrainSettings(service: CheckedElement, read: Userconfig): ModuleConfiguration["splitbrain"] {
	const all = [...descendants(service, "check", "splitbrain"), ...descendants(service, "check", "check", "splitbrain")];
	const [first, second] = all;
	if (first === undefined) return null;
	if (second !== undefined) read.report.add("CONFIG_REPEATED", "<splitbrain> stands more than once", second.xml);
	if (textOf(service, "mode") !== "mirror") {
		read.report.add("CONFIG_UNKNOWN_ELEMENT", "<splitbrain> belongs to mode mirror", first.xml, {
			expected: "mode mirror",
		});
	}
	const addresses = (textOf(first, "arg") ?? "").split(/\s+/).filter((each) => each !== "");
	const wrong = addresses.find((each) => !/^[A-Za-z0-9_.:[\]-]{1,253}$/.test(each) || each.startsWith("-"));
	if (wrong !== undefined || addresses.length > 16) {
		const expected = "up to 16 addresses with blanks between them";
		read.report.add("CONFIG_VALUE", "the attribute arg names no addresses", first.xml, {
			attribute: "arg",
			found: wrong ?? "",
			expected,
		});
	}
	return { ident: textOf(first, "ident") ?? "", addresses };
}
