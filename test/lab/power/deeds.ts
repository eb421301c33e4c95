/** What the client of the power cuts asks of the application, and what the application finds. */
/** `key`: which log, slot or object. `version` grows with every deed of a key. */
export interface Deed {
	deed: "append" | "overwrite" | "replace" | "remove";
	key: number;
	version: number;
	sync: boolean;
}

/** Versions by key; −1 where the content is not what was written. */
export interface Found {
	/** All lines of each log. */
	append: Record<string, number[]>;
	overwrite: Record<string, number>;
	replace: Record<string, number>;
}

/** Places that are overwritten. */
export const slots = 48;
