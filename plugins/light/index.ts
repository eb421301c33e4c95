/** The light mode: one server alone; its application is started, watched and restarted. */
import { definePlugin } from "../../sdk/index.ts";
import { light, upAutomaton } from "./automaton.ts";

export default definePlugin({
	name: "light",
	version: "1.0.0",
	requires: { core: "^0.1" },
	setup(kernel) {
		kernel.modes.add({ automaton: upAutomaton(light), uses: ["scripts"] });
	},
});
