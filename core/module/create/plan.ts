/** What a new module is to be: the answers of a person, or the options of a command. */

export const modes = ["mirror", "farm", "light"] as const;
export type Mode = (typeof modes)[number];
export const systems = ["linux", "windows"] as const;
export type System = (typeof systems)[number];

export interface Plan {
	name: string;
	mode: Mode;
	systems: readonly System[];
	/** The plugin that has to be loaded beside those of the product; null: none. */
	plugin: string | null;
	/** Of the application, in the order in which they start. */
	services: readonly string[];
	/** What is replicated; null: nothing. Mirrors only. */
	directory: string | null;
	/** null: clients reach the servers themselves. */
	address: string | null;
	/** A page that answers 200 while the application works; null: only services are looked at. */
	health: URL | null;
}

/** Where the application runs: the second half of the names of scripts, and `when` of checkers. */
export function place({ mode }: Pick<Plan, "mode">): "prim" | "both" {
	return mode === "mirror" ? "prim" : "both";
}

/** The port that the clients of a farm use: that of the page, or that of the web. */
export function clientPort({ health }: Pick<Plan, "health">): string {
	return health?.port || (health?.protocol === "https:" ? "443" : "80");
}

/** What a mirror replicates unless somebody says otherwise; config makes it where it is missing. */
export function usualDirectory({ name, systems: on }: Pick<Plan, "name" | "systems">): string {
	return on.includes("linux") ? `/var/lib/${name}` : `C:\\ProgramData\\${name}`;
}
