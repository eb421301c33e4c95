/** What plugin authors import: the contracts of the core, and nothing that does I/O. */
import type { Plugin } from "../core/engine/plugin.ts";

export type * from "../core/engine/contract.ts";
export type * from "../core/engine/plugin.ts";
export type * from "../core/engine/replication.ts";

/** Declares a plugin; the default export of its `index.ts`. */
export function definePlugin(plugin: Plugin): Plugin {
	return plugin;
}
