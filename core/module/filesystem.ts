/** What the configuration asks of the operating system; platform/linux carries it out. */

export interface FileSystemProbe {
	/**
	 * What the file system under an existing directory offers. Replication needs file handles that survive a restart and
	 * `trusted.*` attributes (replication.md §5). It may try them on a file without a name.
	 */
	probe(directory: string): Promise<{ type: string; fileHandles: boolean; trustedXattrs: boolean }>;
}
