/** Two servers of a lab behind one address, whoever keeps it alive: what the measurements need of them. */
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";
import type { Clients } from "../../lab/farm/clients.ts";

export interface Contender {
	readonly lab: Lab;
	readonly nodes: readonly LabNode[];
	readonly clients: Clients;
	/** The virtual address. */
	readonly target: string;
	/** As an administrator does it; ends when the server has left, and when it serves again. */
	stopNode(node: LabNode): Promise<void>;
	startNode(node: LabNode): Promise<void>;
	/** Switches a server on that had no power, and lets it serve again. */
	revive(node: LabNode): Promise<void>;
	/** Waits until everyone who should answer does. */
	untilServed(): Promise<void>;
}
