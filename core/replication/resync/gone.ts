/** What an error of the file system says about a file that is compared. */
import { SafekitError } from "../../errors.ts";
import { errno, errnoName } from "../errno.ts";

/**
 * True when an error says that the file is not there any more; false for no error. Any other (too many open files, a
 * failing disk) says nothing about the file, which would be missing on the target if it counted as gone.
 * @throws SafekitError REPLICATION_DISK.
 */
export function isGone(result: number): boolean {
	if (result >= 0) return false;
	if (result !== -errno.ENOENT && result !== -errno.ESTALE) throw unusable("a file cannot be looked at", result);
	return true;
}

/** What ends the session: this side's own files cannot be read or written. */
export function unusable(what: string, result: number): SafekitError {
	return new SafekitError("REPLICATION_DISK", `${what} (${errnoName(result)})`);
}
