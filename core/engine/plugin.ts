/** What a plugin is (design §3). The node loads plugin folders by name and hands each a kernel to register with. */
import type { ElementDeclaration } from "../schema/declare.ts";
import type { Automaton } from "./contract.ts";

/** A mode of modules. The node treats the automaton's state as plain JSON that only the automaton understands. */
export interface ModeDeclaration {
	// biome-ignore lint/suspicious/noExplicitAny: the state belongs to the automaton; nobody else looks into it
	automaton: Automaton<any>;
	/** Which services the mode works with; the node starts no other for its modules. */
	uses: readonly ("heartbeat" | "vip" | "replication" | "scripts")[];
}

/** What `setup` may register. */
export interface Kernel {
	modes: { add(mode: ModeDeclaration): void };
	/** userconfig.xml elements that the plugin understands. */
	elements: { add(...elements: readonly ElementDeclaration[]): void };
}

export interface Plugin {
	name: string;
	/** semver. */
	version: string;
	/** semver range of the core that it was written for. */
	requires: { core: string };
	setup(kernel: Kernel): void;
}
