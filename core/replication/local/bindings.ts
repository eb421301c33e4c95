/**
 * The secondary's memory of which of its own files the primary means (replication.md §5.2). Own references are
 * handles, so a binding holds no descriptor.
 */
import type { FileRef } from "../operation.ts";

/** As the resync and BIND frames fill it. */
export interface Bindings {
	own(primary: FileRef): FileRef | undefined;
	bind(primary: FileRef, own: FileRef): void;
	unbind(primary: FileRef): void;
}
