/** What the sandbox asks of the operating system; platform/linux carries it out. */

export interface Confinement {
	/** Most memory of its own in MB. */
	dataMb: number;
}

export interface SandboxSystem {
	/** How a program is started without network, without new rights and with little of everything. */
	confined(program: string, args: readonly string[], limits: Confinement): { file: string; args: string[] };
}
