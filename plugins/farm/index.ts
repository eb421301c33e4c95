/** The farm: the application runs on all servers at once, and they share the clients. */
import { definePlugin } from "../../sdk/index.ts";
import { farm } from "./automaton.ts";
import { farmElements } from "./elements.ts";

export default definePlugin({
	name: "farm",
	version: "1.0.0",
	requires: { core: "^0.1" },
	setup(kernel) {
		kernel.modes.add({ automaton: farm, uses: ["heartbeat", "vip", "scripts"] });
		kernel.elements.add(...farmElements);
	},
});
