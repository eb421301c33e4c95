/** The mirror: two servers, one primary, replicated directories. */
import { definePlugin } from "../../sdk/index.ts";
import { mirror } from "./automaton.ts";
import { mirrorElements } from "./elements.ts";

export default definePlugin({
	name: "mirror",
	version: "1.0.0",
	requires: { core: "^0.1" },
	setup(kernel) {
		kernel.modes.add({ automaton: mirror, uses: ["heartbeat", "vip", "replication", "scripts"] });
		kernel.elements.add(...mirrorElements);
	},
});
