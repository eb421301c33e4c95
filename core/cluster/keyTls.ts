/**
 * TLS 1.3 between two that hold the same key: it is proven as a pre-shared key with a fresh Diffie-Hellman exchange, so
 * recorded traffic stays closed also to who gets the key later. There are no certificates: a side without the key
 * cannot complete the handshake. Used by replication and by commands for other servers, each with keys of its own.
 */
import { constants } from "node:crypto";
import type { Duplex } from "node:stream";
import { connect, createSecureContext, TLSSocket, type TLSSocketOptions } from "node:tls";

const version = { minVersion: "TLSv1.3", maxVersion: "TLSv1.3" } as const;
/** The suite of an external pre-shared key (RFC 8446 §4.2.11: its hash is SHA-256). */
const options = { ...version, ciphers: "TLS_AES_128_GCM_SHA256", allowHalfOpen: true };

/** What both sides have to know. */
export interface SharedKey {
	/** Says what the key is for, in the clear. */
	identity: string;
	key: Buffer;
}

/** The side that begins. */
export function callWithKey(socket: Duplex, { identity, key }: SharedKey): TLSSocket {
	return connect({
		...options,
		socket,
		pskCallback: () => ({ psk: key, identity }),
		checkServerIdentity: () => new Error("the other side showed a certificate instead of the key"),
	});
}

/** The side that answers. `keyOf`: the key that goes with an identity; null: none is known here. */
export function acceptWithKey(socket: Duplex, keyOf: (identity: string) => Buffer | null): TLSSocket {
	const withKey: TLSSocketOptions & { pskCallback: (socket: TLSSocket, identity: string) => Buffer | null } = {
		...options,
		isServer: true,
		// No session is resumed later: no ticket.
		secureContext: createSecureContext({ ...options, secureOptions: constants.SSL_OP_NO_TICKET }),
		pskCallback: (_socket, identity) => keyOf(identity),
	};
	return new TLSSocket(socket, withKey);
}

/** With a pre-shared key a handshake counts as resumed: nothing else proves the other side. */
export function isProven(socket: TLSSocket): boolean {
	return socket.isSessionReused();
}

/** True: the two sides do not hold the same key. */
export function isWrongKey(error: Error): boolean {
	const { code } = error as NodeJS.ErrnoException;
	return code === "ERR_SSL_BINDER_DOES_NOT_VERIFY" || code === "ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR";
}

/** What OpenSSL says of a failed handshake, as words; null: the handshake did not fail in TLS. */
export function tlsFailure(error: Error): string | null {
	const { code } = error as NodeJS.ErrnoException;
	return code?.startsWith("ERR_SSL_") === true
		? code.slice("ERR_SSL_".length).toLowerCase().replaceAll("_", " ")
		: null;
}
