/**
 * `webservercfg -unsecure` (spec/09 §9): the administrator of a server without cluster configuration allows that it
 * takes its first one from the network, and on the server that has one, that it is sent to such a server. Needed on both
 * sides: who is between them could take the key otherwise by pretending to have none. It ends after an hour, or earlier
 * when the configuration has arrived.
 */
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, replaceFile, syncFolder } from "../module/files.ts";
import type { Paths } from "../module/paths.ts";

export const consentMs = 60 * 60_000;

function consentFile(paths: Paths): string {
	return join(dirname(paths.clusterKey), "consent");
}

/** Until when it holds, by the clock of this server; null: there is none. A clock that was set back ends it. */
export async function consentUntil(paths: Paths, nowMs = Date.now()): Promise<number | null> {
	const until = Number(await readFile(consentFile(paths), "utf8").catch(() => "0"));
	return until > nowMs && until <= nowMs + consentMs ? until : null;
}

/** Returns until when. */
export async function giveConsent(paths: Paths, nowMs = Date.now()): Promise<number> {
	await makeFolder(dirname(paths.clusterKey), 0o755);
	await replaceFile(consentFile(paths), `${nowMs + consentMs}\n`, 0o600);
	return nowMs + consentMs;
}

export async function endConsent(paths: Paths): Promise<void> {
	await rm(consentFile(paths), { force: true });
	await syncFolder(dirname(paths.clusterKey)).catch(() => {});
}
