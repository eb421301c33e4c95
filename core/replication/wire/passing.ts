/**
 * Memory for what passes through: cut from large pieces, so that the garbage collector has one object to look after
 * where there were hundreds. A cut keeps its whole piece alive, so it is for what is soon forgotten.
 */

export const pieceBytes = 1 << 20;

let piece: Buffer = Buffer.alloc(0);
let at = 0;

/** Uninitialised. */
export function passing(bytes: number): Buffer {
	if (bytes > pieceBytes / 4) return Buffer.allocUnsafeSlow(bytes);
	if (bytes > piece.length - at) {
		piece = Buffer.allocUnsafeSlow(pieceBytes);
		at = 0;
	}
	const cut = piece.subarray(at, at + bytes);
	at += bytes;
	return cut;
}
