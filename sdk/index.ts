/** What authors of checkers and plugins import: contracts and pure helpers of the core, and nothing that does I/O. */
import type { Plugin } from "../core/engine/plugin.ts";

export * from "../core/engine/commands.ts";
export * from "../core/engine/context.ts";
export type * from "../core/engine/contract.ts";
export * from "../core/engine/maxloop.ts";
export * from "../core/engine/meeting.ts";
export * from "../core/engine/permission.ts";
export type * from "../core/engine/plugin.ts";
export * from "../core/engine/refusal.ts";
export type * from "../core/engine/replication.ts";
export * from "../core/engine/rules/holding.ts";
export * from "../core/engine/steps.ts";
export * from "../core/engine/witness.ts";
export * from "./checkers.ts";
export * from "./elements.ts";

/** Declares a plugin; the default export of its `index.ts`. */
export function definePlugin(plugin: Plugin): Plugin {
	return plugin;
}
