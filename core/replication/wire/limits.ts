/** Bounds of everything that travels between the two replication processes. Bytes unless named otherwise. */

/** Largest payload of one write, read from FUSE with max_write 1 MiB. */
export const maxData = 1 << 20;
/** Largest message: a write with its header, or a batch of a listing. */
export const maxMessage = maxData + 64 * 1024;
/** Largest sealed packet: one message, or a batch of smaller ones. */
export const maxPacket = maxMessage + 64 * 1024;
export const maxName = 255;
/** Linux: XATTR_NAME_MAX, XATTR_SIZE_MAX, PATH_MAX for the target of a symbolic link. */
export const maxXattrName = 255;
export const maxXattrValue = 65_536;
/** Content that travels with an entry, without a question: as much as the question would cost. */
export const maxWhole = 128 * 1024;
export const maxLinkTarget = 4096;
export const maxFileId = 64;
/** Sent but not yet acknowledged, kept to be sent again; a full window parks the application's changes. */
export const windowBytes = 64 << 20;
/** Received but not yet applied; beyond it the secondary stops acknowledging, so it holds at most this and a window. */
export const applyQueueBytes = 64 << 20;
/**
 * What a message counts for beside its bytes, wherever messages wait: its objects take far more memory than its bytes
 * where a million small files are copied, and keep what lies beside them alive.
 */
export const messageCost = 4096;
/** Files known by reference on both sides of a session (replication.md §5.2); the least used are forgotten beyond. */
export const maxBindings = 1_000_000;
/** Comparing of contents: one digest covers so many bytes. */
export const regionBytes = 1 << 20;
/** Bytes that the network has not taken yet: little, so that a pulse is not late behind them on a slow network. */
export const maxSendBytes = 4 << 20;
