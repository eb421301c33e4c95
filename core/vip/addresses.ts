/** What the virtual IP service asks of the operating system; platform/linux carries it out. */

export interface LocalInterface {
	name: string;
	index: number;
	mac: string;
	up: boolean;
	addresses: { addr: string; prefix: number; family: 4 | 6 }[];
}

export interface AddressSystem {
	interfaces(): Promise<LocalInterface[]>;
	/** Adds `addr/prefix`; adding it twice is no error. `primary`: outgoing connections use it (where=one_side). */
	add(iface: string, addr: string, prefix: number, options: { primary: boolean; label: string }): Promise<void>;
	/** Removes it; removing an absent address is no error. */
	remove(iface: string, addr: string, prefix: number): Promise<void>;
	/** Gratuitous ARP, or an unsolicited neighbour advertisement for IPv6. */
	announce(iface: LocalInterface, addr: string): Promise<void>;
	/** True if another machine answers for the address. Takes at most `timeoutMs`. */
	isTaken(iface: LocalInterface, addr: string, timeoutMs: number): Promise<boolean>;
	/** Resets TCP connections whose local address is `addr`. */
	resetConnections(addr: string): Promise<void>;
}
