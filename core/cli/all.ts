/** All groups of commands, in the order in which help lists them. */
import { actions } from "./actions.ts";
import { cluster } from "./cluster.ts";
import { compare } from "./compare.ts";
import { configure } from "./configure.ts";
import { errd } from "./errd.ts";
import { farm } from "./farm.ts";
import type { Group } from "./groups.ts";
import { kill } from "./kill.ts";
import { later } from "./later.ts";
import { logs } from "./logs.ts";
import { modules } from "./modules.ts";
import { plugin } from "./plugin.ts";
import { reference } from "./reference.ts";
import { resources } from "./resources.ts";
import { rfs } from "./rfs.ts";
import { rfssync } from "./rfssync.ts";
import { rules } from "./rules.ts";
import { server } from "./server.ts";
import { state } from "./state.ts";
import { take } from "./take.ts";
import { waits } from "./waits.ts";
import { webservercfg } from "./webservercfg.ts";

export const allGroups: readonly Group[] = [
	actions,
	waits,
	state,
	logs,
	resources,
	rules,
	errd,
	kill,
	configure,
	modules,
	plugin,
	compare,
	rfs,
	rfssync,
	farm,
	cluster,
	server,
	webservercfg,
	take,
	reference,
	later,
];
