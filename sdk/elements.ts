/** The language in which plugins declare userconfig.xml elements, and the attributes that modes share. */
export * from "../core/schema/declare.ts";
export * from "../core/schema/elements/addresses.ts";
