/** Which probe a checker is, and at which pace it tests. */
import type { Clock } from "../../engine/clock.ts";
import type { CheckerSettings } from "../../module/settings/checkers.ts";
import type { Probe, ProbeSystem } from "../probe.ts";
import { intfProbe } from "./intf.ts";
import { ipProbe } from "./ip.ts";
import { moduleProbe } from "./module.ts";
import { pingProbe } from "./ping.ts";
import { tcpProbe } from "./tcp.ts";

export interface Test {
	probe: Probe;
	intervalMs: number;
	timeoutMs: number;
}

/** No attribute says how often an interface is looked at; a look takes a fraction of a millisecond. */
const intfIntervalMs = 2000;
/** Looks at this machine take no time; a name of theirs may have to be resolved. */
const lookTimeoutMs = 5000;

/** Null: the checker is no test that is repeated. */
export function testOf(settings: CheckerSettings, system: ProbeSystem, clock: Clock): Test | null {
	switch (settings.kind) {
		case "tcp":
			return { ...settings, probe: tcpProbe(settings) };
		case "ping":
			// The answer to the last request counts.
			return { ...settings, probe: pingProbe(settings, system), timeoutMs: settings.timeoutMs + 100 };
		case "intf":
			return { probe: intfProbe(settings, system), intervalMs: intfIntervalMs, timeoutMs: lookTimeoutMs };
		case "ip":
			return { probe: ipProbe(settings, system, clock), intervalMs: settings.intervalMs, timeoutMs: lookTimeoutMs };
		case "module":
			return { ...settings, probe: moduleProbe(settings) };
		case "custom":
		case "splitbrain":
		case "plugin":
			return null;
	}
}
