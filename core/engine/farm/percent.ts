/** A share as a person reads it. */
import { buckets } from "./group.ts";

/** In whole percent; who answers anything is not shown as if it answered nothing. */
export function percentOf(load: number): number {
	return load === 0 ? 0 : Math.max(1, Math.round((load * 100) / buckets));
}
