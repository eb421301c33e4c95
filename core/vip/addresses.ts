/** What the virtual IP service asks of the operating system; platform/linux carries it out. */

export interface LocalAddress {
	addr: string;
	prefix: number;
	family: 4 | 6;
	/** As set by `add`; empty where the system keeps none (IPv6). */
	label: string;
}

export interface LocalInterface {
	name: string;
	index: number;
	/** Empty for interfaces without Ethernet addresses. */
	mac: string;
	up: boolean;
	loopback: boolean;
	addresses: LocalAddress[];
}

/** An interface of our own under a MAC address that several nodes share. */
export interface SharedLink {
	/** At most 15 characters. */
	name: string;
	/** The interface below it. */
	parent: string;
	/** Colons, lower case. */
	mac: string;
}

/** Numbers below 256 that a set of nftables shall hold, and nothing else. */
export interface SetContent {
	family: "inet" | "netdev";
	table: string;
	set: string;
	numbers: readonly number[];
}

/** Of a connection of TCP. */
export interface TrackedClient {
	addr: string;
	port: number;
}

export interface AddressSystem {
	interfaces(): Promise<LocalInterface[]>;
	/**
	 * Adds `addr/prefix`; adding it twice is no error. `primary`: outgoing connections use it (where=one_side); an IPv6
	 * address that is not is marked as deprecated, or the kernel might choose it for them.
	 */
	add(iface: string, addr: string, prefix: number, options: { primary: boolean; label: string }): Promise<void>;
	/**
	 * Makes the interface, down and without an address: it takes no part in router advertisements and gives itself no
	 * link-local address, which would be the same on all nodes. One of that name is replaced unless it is already so.
	 */
	addLink(link: SharedLink): Promise<void>;
	raiseLink(name: string): Promise<void>;
	/** With its addresses; removing an absent one is no error. */
	removeLink(name: string): Promise<void>;
	/** Carries out one batch of nft commands, all of it at once or nothing. */
	filter(batch: string): Promise<void>;
	/** Fills sets of nftables that exist, all of them at once or none: within a millisecond, without a program. */
	fillSets(contents: readonly SetContent[]): Promise<void>;
	/** What `nft` lists of the tables of that name, without what their sets hold; null if one of them is missing. */
	listTables(families: readonly string[], name: string): Promise<string | null>;
	/** Another number after every change of the machine's rules, also of others; no program is started. */
	filterGeneration(): Promise<number>;
	/** Removes it; removing an absent address, or one of an absent interface, is no error. */
	remove(iface: string, addr: string, prefix: number): Promise<void>;
	/** Gratuitous ARP, or an unsolicited neighbour advertisement for IPv6. Nothing on loopback or while it is down. */
	announce(iface: LocalInterface, addr: string): Promise<void>;
	/**
	 * The MAC address of another machine that answers for the address on this interface; null if nobody does within
	 * `timeoutMs`, or if the interface is down. Asks as a probe (RFC 5227, RFC 4862): nobody's neighbour table changes.
	 */
	whoHas(iface: LocalInterface, addr: string, timeoutMs: number): Promise<string | null>;
	/** Resets TCP connections whose local address is `addr`. Bounded in time; rejects when it could not be done. */
	resetConnections(addr: string): Promise<void>;
	/**
	 * Clients of all connections to the addresses that the kernel tracks, also those that it passes on and those that
	 * have just ended; null: not this time, or it tracks more than some hundred thousand. Rejects if it cannot say.
	 */
	trackedClients(addresses: readonly string[]): Promise<TrackedClient[] | null>;
	/** Established TCP connections by local address, of the addresses that are asked for. Bounded. */
	countConnections(addresses: readonly string[]): Promise<ReadonlyMap<string, number>>;
}
