/**
 * The checkers of a module (spec/02 §5, §10): those that `<check>` names, and those that come with a virtual address.
 * The failover machine makes its rules from exactly this list.
 */
import { isIP, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import { child, descendants, isOn, numberOf, textOf } from "../../schema/access.ts";
import { groupsOf } from "../../schema/ipv6.ts";
import type { Report } from "../../schema/report.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import type { Value } from "../../schema/values.ts";
import type { VipConfiguration } from "../configuration.ts";
import { wordsOf } from "./words.ts";

export type CheckerAction = "restart" | "stopstart" | "stop" | "wait" | "noaction";
/** `pre`: from prestart to poststop; the others: from start_X to stop_X. */
export type CheckerMoment = "pre" | "prim" | "second" | "both";

interface Common {
	ident: string;
	/**
	 * `tcp.web`. Its value is `init` while its class is not started, and until the first test; `unknown` while
	 * `safekit checker off` holds; `up` or `down` otherwise. Only a checker of `when="pre"` runs in WAIT: a rule that
	 * waits for an `init` to end may wait for such a one only.
	 */
	resource: string;
	when: CheckerMoment;
	action: CheckerAction;
}

/** Times in milliseconds. */
export type CheckerSettings = Common &
	(
		| { kind: "tcp"; addr: string; port: number; intervalMs: number; timeoutMs: number }
		| { kind: "ping"; addr: string; intervalMs: number; timeoutMs: number }
		/** `localAddr` null: the one in the network of `virtual`, found when the checker looks. */
		| { kind: "intf"; localAddr: string | null; virtual: VirtualPlace | null }
		| { kind: "ip"; addr: string; intervalMs: number }
		| { kind: "custom"; exec: string; args: string[] }
		| {
				kind: "module";
				name: string;
				addr: string;
				port: number;
				intervalMs: number;
				timeoutMs: number;
				secure: boolean;
		  }
		| { kind: "splitbrain"; addresses: string[] }
		/** Of a plugin; the class of its resource names the kind. `elements`: those of plugins in `<service>`. */
		| {
				kind: "plugin";
				name: string;
				values: ElementValues;
				elements: Record<string, ElementValues[]>;
				intervalMs: number;
				timeoutMs: number;
		  }
	);

/** Attributes as they were read. */
export type ElementValues = Record<string, Value | undefined>;

/** Where a virtual address belongs, as `<interface>` and `<virtual_addr>` say it. */
export interface VirtualPlace {
	addr: string;
	interface: string | null;
	netmask: string | null;
}

/** An address of this server with its network, as `intf.<network>` is named after it. */
export interface LocalNetwork {
	addr: string;
	network: string;
}

const [defaultIntervalMs, defaultTimeoutMs] = [10_000, 5000];

/**
 * All checkers, those of the file first. What contradicts itself is added to the report. `networksOf`: the addresses
 * of this server in the network of a virtual address, which give an automatic interface checker its name.
 */
export function checkerSettings(
	service: CheckedElement,
	vip: VipConfiguration | null,
	report: Report,
	networkOf: (place: VirtualPlace) => LocalNetwork | null = localNetworkOf,
): CheckerSettings[] {
	const found: CheckerSettings[] = [];
	// A <check> inside a <check> is read as one.
	for (const outer of descendants(service, "check")) {
		for (const element of [...outer.children, ...descendants(outer, "check").flatMap((inner) => inner.children)]) {
			const one = written(element, service, report);
			if (one === null) continue;
			if (found.some((other) => other.resource === one.resource)) repeated(element, one, report);
			found.push(one);
		}
	}
	for (const one of automatic(vip, running(textOf(service, "mode") ?? ""), networkOf)) {
		if (!found.some((other) => other.resource === one.resource)) found.push(one);
	}
	return found;
}

function repeated(element: CheckedElement, one: CheckerSettings, report: Report): void {
	report.add("CONFIG_REPEATED", `two checkers set the resource ${one.resource}`, element.xml, {
		attribute: "ident",
		found: one.ident,
		expected: "an ident of its own",
	});
}

/** Null: no checker, or one that lacks what was reported already. */
function written(element: CheckedElement, service: CheckedElement, report: Report): CheckerSettings | null {
	const to = child(element, "to");
	const ident = textOf(element, "ident") ?? "";
	const addr = (to && textOf(to, "addr")) ?? "";
	const times = {
		intervalMs: (to && numberOf(to, "interval")) ?? defaultIntervalMs,
		timeoutMs: (to && numberOf(to, "timeout")) ?? defaultTimeoutMs,
	};
	const common = (when: CheckerMoment, action: CheckerAction, name = ident): Common => {
		return { ident: name, resource: `${element.name}.${name}`, when, action };
	};
	const when = (textOf(element, "when") ?? "pre") as CheckerMoment;
	switch (element.name) {
		case "tcp":
			return {
				kind: "tcp",
				...common(when, actionOf(element, when, when === "pre" ? "wait" : "restart", report)),
				...{ addr, port: (to && numberOf(to, "port")) ?? 0, ...times },
			};
		case "ping":
			// Only pre has a documented default; what cannot be reached from here may be reached from the other server.
			return {
				kind: "ping",
				...common(when, actionOf(element, when, when === "pre" ? "wait" : "stopstart", report)),
				...{ addr, ...times },
			};
		case "intf":
			return {
				kind: "intf",
				...common("pre", "wait"),
				...{ localAddr: (to && textOf(to, "local_addr")) ?? "", virtual: null },
			};
		case "ip":
			return {
				kind: "ip",
				...common((textOf(element, "when") ?? running(textOf(service, "mode") ?? "")) as CheckerMoment, "stopstart"),
				...{ addr, intervalMs: times.intervalMs },
			};
		case "custom":
			return {
				kind: "custom",
				...common(when, actionOf(element, when, "noaction", report)),
				...{ exec: textOf(element, "exec") ?? "", args: wordsOf(textOf(element, "arg") ?? "") },
			};
		case "module":
			return moduleChecker(element, to, times, common, report);
		case "splitbrain":
			return { kind: "splitbrain", ...common("pre", "wait"), addresses: wordsOf(textOf(element, "arg") ?? "") };
		case "check":
			return null;
		default:
			return {
				kind: "plugin",
				...common(when, actionOf(element, when, when === "pre" ? "wait" : "restart", report)),
				...{ name: element.name, values: { ...to?.values }, elements: ofPlugins(service), ...times },
			};
	}
}

/** The product's own, which a checker of a plugin has no need to read. */
const ownElements = new Set("heart,vip,rfs,farm,user,vhost,errd,check,failover".split(","));

function ofPlugins(service: CheckedElement): Record<string, ElementValues[]> {
	const found: Record<string, ElementValues[]> = {};
	for (const { name, values } of service.children) {
		if (!ownElements.has(name)) found[name] = [...(found[name] ?? []), { ...values }];
	}
	return found;
}

function moduleChecker(
	element: CheckedElement,
	to: CheckedElement | undefined,
	times: { intervalMs: number; timeoutMs: number },
	common: (when: CheckerMoment, action: CheckerAction, name: string) => Common,
	report: Report,
): CheckerSettings {
	const name = textOf(element, "name") ?? moduleOfIdent(element, report);
	const addr = (to && textOf(to, "addr")) ?? "127.0.0.1";
	return {
		kind: "module",
		...common("pre", "wait", textOf(element, "ident") ?? `${name}_${addr}`),
		...{
			name,
			addr,
			port: (to && numberOf(to, "port")) ?? 9010,
			...times,
			secure: to !== undefined && isOn(to, "secure"),
		},
	};
}

/** The documentation has the meanings of `name` and `ident` in either order (spec/02 §10): one alone is the module. */
function moduleOfIdent(element: CheckedElement, report: Report): string {
	const ident = textOf(element, "ident");
	const isWritten = element.written.some(({ name }) => name === "name");
	if (ident !== null && !isWritten) {
		report.add("CONFIG_LEGACY", `the module is named by ident: it is read as name="${ident}"`, element.xml, {
			severity: "warning",
			attribute: "ident",
			found: ident,
			remedy: "Write the name of the module as name.",
		});
	} else if (!isWritten) {
		const details = { attribute: "name", expected: "the other module" };
		report.add("CONFIG_MISSING", "the attribute name is missing", element.xml, details);
	}
	return ident ?? "";
}

/** The class of what runs with the application. */
function running(mode: string): CheckerMoment {
	return mode === "mirror" ? "prim" : "both";
}

/** The action that is written, held against when the checker runs (spec/02 §10). */
function actionOf(element: CheckedElement, when: CheckerMoment, usual: CheckerAction, report: Report): CheckerAction {
	const action = (textOf(element, "action") ?? usual) as CheckerAction;
	if (element.name === "tcp" && when === "pre" && action !== "wait" && action !== "noaction") {
		report.add("CONFIG_VALUE", `a tcp checker of when="pre" cannot ${action}`, element.xml, {
			attribute: "action",
			found: action,
			expected: "wait, noaction",
			remedy: `Use action="wait", or when="prim" (mirror) or when="both" (farm, light).`,
		});
	} else if (element.name !== "ping" && when !== "pre" && action === "wait") {
		report.add("CONFIG_VALUE", `a checker of when="${when}" does not run while the module waits`, element.xml, {
			severity: "warning",
			attribute: "action",
			found: action,
			expected: "restart, stopstart, stop, noaction",
			remedy: `The module is stopped and started once; say action="stopstart", or when="pre" to wait until it is up.`,
		});
	}
	return action;
}

/** `check="on"` of an interface and of a virtual address (spec/02 §5). */
function automatic(
	vip: VipConfiguration | null,
	when: CheckerMoment,
	networkOf: (place: VirtualPlace) => LocalNetwork | null,
): CheckerSettings[] {
	const found = (vip?.addresses ?? []).flatMap((each): CheckerSettings[] => {
		const { addr, netmask, check, interfaceCheck } = each;
		if (addr === "") return [];
		const ip: CheckerSettings = {
			...{ kind: "ip", ident: addr, resource: `ip.${addr}`, when, action: "stopstart" },
			...{ addr, intervalMs: defaultIntervalMs },
		};
		const virtual = { addr, interface: each.interface, netmask };
		const local = interfaceCheck ? networkOf(virtual) : null;
		const ident = local?.network ?? addr;
		const intf: CheckerSettings = {
			...{ kind: "intf", ident, resource: `intf.${ident}`, when: "pre", action: "wait" },
			...{ localAddr: local?.addr ?? null, virtual },
		};
		return [...(interfaceCheck ? [intf] : []), ...(check ? [ip] : [])];
	});
	return found.filter((one, index) => found.findIndex((other) => other.resource === one.resource) === index);
}

/** The first address of this server in the network of a virtual address; null for a name, or where there is none. */
function localNetworkOf({ addr, interface: name, netmask }: VirtualPlace): LocalNetwork | null {
	if (isIP(addr) === 0) return null;
	for (const [iface, entries] of Object.entries(networkInterfaces())) {
		if (name !== null && name !== iface) continue;
		for (const own of entries ?? []) {
			if (own.address === addr || isIPv4(own.address) !== isIPv4(addr)) continue;
			const mask = isIPv4(addr) && netmask !== null ? netmask : own.netmask;
			const network = networkAddress(addr, mask);
			if (network === networkAddress(own.address, mask)) return { addr: own.address, network };
		}
	}
	return null;
}

/** `192.168.4.7` with `255.255.0.0` is in `192.168.0.0`. */
export function networkAddress(addr: string, mask: string): string {
	if (isIPv4(addr)) {
		const [a, m] = [addr, mask].map((text) => text.split(".").map(Number)) as [number[], number[]];
		return a.map((part, index) => part & (m[index] ?? 0)).join(".");
	}
	const [a, m] = [addr, mask].map(groupsOf) as [number[], number[]];
	const text = a.map((group, index) => (group & (m[index] ?? 0)).toString(16)).join(":");
	return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}
