/** The farm (spec/01 §4): the automaton of the light mode, whose clients come through an address that all servers share. */
import { type Automaton, traffic, virtualAddress } from "../../sdk/index.ts";
import { upAutomaton } from "../light/automaton.ts";
import type { UpState } from "../light/state.ts";

/**
 * The application can bind to the address, which is there before it starts and until it has stopped. A server takes
 * part in sharing out the clients while its application runs, and no longer: what it gives away at a stop or restart,
 * others answer before the first stop script runs.
 */
export const farm: Automaton<UpState> = upAutomaton({
	mode: "farm",
	set: [virtualAddress(true)],
	open: [traffic(true)],
	close: [traffic(false)],
	unset: [virtualAddress(false)],
});
