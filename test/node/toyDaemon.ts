/** A daemon with the real loop, log, socket and scripts, and a toy mode: for tests of what core/node itself does. */
import { readdirSync } from "node:fs";
import type { Automaton, Effect, MainState, Status } from "../../core/engine/contract.ts";
import { systemClock } from "../../core/log/clock.ts";
import type { ModuleConfiguration } from "../../core/module/configuration.ts";
import { pathsFrom } from "../../core/module/paths.ts";
import { defaultFailover } from "../../core/module/settings/failover.ts";
import { Daemon } from "../../core/node/daemon.ts";
import { takeInstance } from "../../core/node/instance.ts";
import { scriptHands } from "../../core/node/scripts.ts";
import { listenForCommands } from "../../core/node/server.ts";
import { processes } from "../../core/platform/linux/processes.ts";
import { osIncarnation, sessionOf } from "../../core/platform/linux/server.ts";
import { createSchema } from "../../core/schema/schema.ts";

interface Toy {
	main: MainState;
	status: Status;
	plan: number;
	stopping: boolean;
}

/** A module that can only start and stop. */
const toy: Automaton<Toy> = {
	mode: "mirror",
	initial: () => ({ main: "STOP", status: "NotReady", plan: 0, stopping: false }),
	decide(state, event) {
		const effects: Effect[] = [];
		const next = { ...state };
		if (event.type === "command") {
			const answer = (refused?: { code: string; message: string; remedy: string }): void => {
				effects.push({ type: "answer", request: event.request ?? 0, ...(refused === undefined ? {} : { refused }) });
			};
			if (event.command === "start" && state.main === "STOP") {
				next.main = "ALONE";
				next.status = "Transient";
				next.plan++;
				next.stopping = false;
				effects.push({ type: "log", origin: "heart", level: "U", text: `Action start called by ${event.who}` });
				const passage = { from: "WAIT", to: "ALONE", action: "start" } as const;
				effects.push({
					type: "plan",
					plan: next.plan,
					steps: ["prestart", "start_prim", "start_sec"].map((script) => ({ do: "script", script, ...passage })),
				});
				answer();
			} else if (["stop", "shutdown"].includes(event.command) && state.status === "Ready") {
				next.status = "Transient";
				next.plan++;
				next.stopping = true;
				const passage = { from: "ALONE", to: "STOP", action: "stop" } as const;
				effects.push({ type: "plan", plan: next.plan, steps: [{ do: "script", script: "stop_prim", ...passage }] });
				answer();
			} else if (event.command === "forcestop") {
				effects.push({ type: "abortPlan", plan: state.plan });
				answer();
			} else if (event.command === "swap") {
				throw new Error("the toy cannot swap");
			} else {
				const message = `The module is ${state.main} ${state.status}.`;
				answer({ code: "NODE_REFUSED", message, remedy: "Run `safekit stop` first." });
			}
		}
		if (event.type === "planEnded") {
			const stopped = !event.ok || state.stopping;
			next.main = stopped ? "STOP" : "ALONE";
			next.status = stopped ? "NotReady" : "Ready";
		}
		if (event.type === "resumed" && event.rebooted) Object.assign(next, { main: "STOP", status: "NotReady" });
		if (event.type === "resource")
			effects.push({ type: "log", origin: "heart", level: "C", text: `${event.name} ${event.value}` });
		return { state: next, effects };
	},
	assertInvariants: () => {},
	announce: ({ main, status }) => ({ main, status }),
	view: ({ main, status }) => ({
		main,
		status,
		peer: { state: "UNKNOWN", status: "Unknown" },
		uptodate: null,
		rule: null,
		why: `It is ${main}.`,
		loop: { count: 0, sinceWallMs: 0 },
		held: [],
	}),
};

/** `<service boot>` of modules with these names. */
const boots: Record<string, ModuleConfiguration["boot"]> = { booted: "on", delayed: "on", auto: "auto", off: "off" };

function configuration(name: string): ModuleConfiguration {
	const user = { niceStopTimeoutMs: 2000, forceStopTimeoutMs: 2000, logging: true, userlogSizeKb: 100, vars: [] };
	return {
		module: name,
		id: 1,
		mode: "mirror",
		boot: boots[name] ?? "ignore",
		bootDelayMs: name === "delayed" ? 4000 : 0,
		failover: true,
		defaultprim: "alone",
		maxloop: 3,
		loopIntervalMs: 86_400_000,
		automaticReboot: false,
		encryption: true,
		heart: null,
		farm: null,
		vip: null,
		rfs: null,
		user,
		splitbrain: null,
		checkers: [],
		errd: null,
		failoverRules: defaultFailover,
		unsupported: [],
	};
}

const paths = pathsFrom(process.env);
if ((await takeInstance(paths.safevar)) === null) process.exit(3);
const daemon = new Daemon({
	paths,
	incarnation: process.env.TOY_INCARNATION ?? osIncarnation(),
	clock: systemClock,
	modes: new Map([["mirror", { automaton: toy, uses: ["scripts"] }]]),
	configured: async () => readdirSync(`${paths.safe}/private/modules`),
	configuration: async (name) => configuration(name),
	processes,
	nodeName: async () => "n1",
	membership: async () => ({ node: "n1", peer: null }),
	clusterChanged: () => {},
	configureOptions: async () => ({ schema: createSchema([]), environment: {} }),
	scripts: (name, log) => scriptHands(name, paths, log),
	hands: async (module, runtime) => ({
		...systemClock,
		scripts: scriptHands(module.module, paths, (level, text) => runtime().write("userplug", level, text)),
		vip: async () => {},
		traffic: async () => {},
		farm: null,
		announceVip: async () => {},
		replication: () => null,
		connect: () => {},
		disconnect: () => {},
		reconfigure: async () => {},
		outdated: false,
		clusterChanged: async () => {},
		announce: () => {},
		ping: async () => false,
		monitoring: null,
		reboot: () => {},
		report: (message, error) => process.stderr.write(`${message}: ${error}\n`),
	}),
	release: () => {},
	sessionOf,
	toSyslog: () => {},
	report: (message, error) => process.stderr.write(`${message}: ${error}\n`),
});
await daemon.start();
const server = await listenForCommands(paths.socket, daemon);
process.on("SIGTERM", () => {
	server.close();
	daemon.stop();
	process.exit(0);
});
process.stdout.write("ready\n");
