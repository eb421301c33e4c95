/** Where simulated servers keep their files while a test runs. */
import { chmodSync, existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where files cost no disk: each decision of the real daemon is stored, some durably. */
const inMemory = "/dev/shm";
let within: string | null = null;

/** Folders are made in this one from now on: whoever made it removes them with it. */
export function keepScratchIn(folder: string): void {
	within = folder;
}

/** A new folder. The sandbox process, which has no rights of its own, can pass through it. */
export function makeScratch(): string {
	const folder = mkdtempSync(join(within ?? (existsSync(inMemory) ? inMemory : tmpdir()), "opensafe-test-"));
	chmodSync(folder, 0o711);
	return folder;
}
