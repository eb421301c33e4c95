/** With which keys servers speak to each other when one gives the other a command. */
import { createHash } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { deriveKey } from "../key.ts";
import type { SharedKey } from "../keyTls.ts";

/** Of servers of one cluster. */
export const commandIdentity = "opensafe commands";
/** Of a server that has no configuration yet, while its administrator allows that it gets one. */
export const invitationIdentity = "opensafe first configuration";

/** Proves that both servers hold the cluster key. */
export function commandKey(clusterKey: Buffer): SharedKey {
	return { identity: commandIdentity, key: deriveKey(clusterKey, "commands") };
}

/**
 * Proves nothing: everybody has it. It keeps what is sent from those who only listen; who it is sent to, only the
 * check code tells (`checkCode`).
 */
export const invitationKey: SharedKey = {
	identity: invitationIdentity,
	key: createHash("sha256").update("opensafe invitation, a key that is no secret").digest(),
};

/** The same on both ends of one connection, and on no other: two that read it to each other have nobody between them. */
export function checkCode(socket: TLSSocket): string {
	const code = socket.exportKeyingMaterial(8, "EXPORTER-opensafe-check", Buffer.alloc(0)).toString("hex");
	return code.replace(/(....)(?=.)/g, "$1-");
}
