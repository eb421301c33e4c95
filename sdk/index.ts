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

/**
 * Declares a plugin: the default export of its `index.ts`. What `setup` throws leaves the plugin out, with the
 * reason.
 *
 * @example
 * import { definePlugin, onOff } from "opensafe";
 * export default definePlugin({
 * 	name: "mqtt",
 * 	version: "1.0.0",
 * 	requires: { core: "^0.1" },
 * 	setup(kernel) {
 * 		kernel.checkers.add({
 * 			name: "mqtt",
 * 			doc: "Asks an MQTT broker.",
 * 			attributes: { tls: { type: onOff, default: "off", doc: "Speak TLS." } },
 * 			test: async (target) => ({ up: target.values.tls === true, why: "an example" }),
 * 		});
 * 	},
 * });
 */
export function definePlugin(plugin: Plugin): Plugin {
	return plugin;
}
