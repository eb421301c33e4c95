/**
 * A change to the replicated tree, as the result that travels to the secondary (replication.md §5.2): appends carry
 * their offset, short writes the length written, times their values. Everything here has already happened on the
 * primary; the secondary repeats it exactly or stops.
 */

/** Names a file on the primary: generation << 32 | inode. Also the FUSE node id. */
export type FileRef = bigint;

/** File id (replication.md §5.2): `<term>.<node 0|1>.<seq>` of the operation that created the file. */
export type FileId = string;

/** Nanoseconds since the epoch. */
export interface Times {
	atimeNs: bigint;
	mtimeNs: bigint;
}

/** Access control lists of something new, where it has any: values of the two attributes, null for none. */
export interface NewAcls {
	access: Buffer | null;
	default: Buffer | null;
}

/** What a directory looks like after an operation in it, so that both sides show the same mtime. */
export interface ParentAfter {
	mtimeNs: bigint;
}

/** Owner, mode and times of something new. */
export interface NewNode {
	mode: number;
	uid: number;
	gid: number;
	rdev: number;
	times: Times;
}

export type Operation =
	/** create, mkdir, mknod, symlink (`target` set). `mode` holds the type bits. */
	| {
			op: "make";
			parent: FileRef;
			name: Buffer;
			file: FileRef;
			id: FileId;
			node: NewNode;
			target?: Buffer;
			acls?: NewAcls;
			after: ParentAfter;
	  }
	/** O_TMPFILE: a file that lies in `.opensafe/open` until `link` gives it a name, or `dropOpen` removes it. */
	| { op: "makeUnnamed"; file: FileRef; id: FileId; node: NewNode; acls?: NewAcls }
	/** `unnamed`: the first name of such a file, which leaves `.opensafe/open` with it. */
	| { op: "link"; file: FileRef; parent: FileRef; name: Buffer; unnamed: boolean; after: ParentAfter }
	/** Last name of an open file: `keep` moves it to `.opensafe/open/<id>` until `dropOpen`. */
	| { op: "unlink"; parent: FileRef; name: Buffer; file: FileRef; keep: boolean; after: ParentAfter }
	| { op: "rmdir"; parent: FileRef; name: Buffer; after: ParentAfter }
	| { op: "dropOpen"; file: FileRef }
	/** renameat2 flags: 0, 1 NOREPLACE, 2 EXCHANGE. `keep`: a replaced open file is kept as with unlink. */
	| {
			op: "rename";
			parent: FileRef;
			name: Buffer;
			newParent: FileRef;
			newName: Buffer;
			flags: number;
			keep: FileRef | null;
			after: ParentAfter;
			newAfter: ParentAfter;
	  }
	/** `data` of a change that is submitted is a view of a buffer that is used again: valid until `submit` returns. */
	| { op: "write"; file: FileRef; offset: bigint; data: Buffer; mtimeNs: bigint }
	| { op: "truncate"; file: FileRef; size: bigint; mtimeNs: bigint }
	| { op: "fallocate"; file: FileRef; mode: number; offset: bigint; length: bigint; mtimeNs: bigint }
	/** Only what changed is set. */
	| { op: "setattr"; file: FileRef; mode?: number; uid?: number; gid?: number; times?: Times }
	| { op: "setxattr"; file: FileRef; name: Buffer; value: Buffer }
	| { op: "removexattr"; file: FileRef; name: Buffer }
	/**
	 * Introduces a file that was not named to the peer yet in this session: it has this name and id there
	 * (replication.md §5.2). `parent` 0: it is a kept open file, found by its id. Changes nothing.
	 */
	| { op: "bind"; parent: FileRef; name: Buffer; file: FileRef; id: FileId }
	/** The peer may forget it; it is introduced again before it is named again. */
	| { op: "unbind"; file: FileRef }
	/** fsync, O_SYNC: answered when the peer has synced, not by the cumulative acknowledgement alone. */
	| { op: "sync"; file: FileRef; dataOnly: boolean };

/**
 * Asked before a change is applied: are the marks that name what it touches on disk (replication.md §5.4)? False: they
 * are being written; the request is kept unapplied and asked about again when `unpark` of the server is called.
 * Implemented by marks/, one for each replicated directory.
 */
export interface Coverage {
	/** Content from byte `from` up to `to`, which is exclusive; times and size with it. */
	content(file: FileRef, from: bigint, to: bigint): boolean;
	/** Owner, mode, times, extended attributes; also of a directory. */
	attributes(file: FileRef): boolean;
	/** Names in a directory, and its times. */
	entries(directory: FileRef): boolean;
	/** A file is about to get one more name in `to`. */
	linked(file: FileRef, to: FileRef): boolean;
	/** A file (no directory) is about to move from `directory` to another, `to`. */
	leaves(file: FileRef, directory: FileRef, to: FileRef): boolean;
	/** A directory is about to move, or to change its name. */
	moves(directory: FileRef): boolean;
	/** What only changes its name counts as moved too. */
	readonly followsMoves: boolean;
	/** False: no need to ask `leaves` for any file in this directory. */
	mayBeYoung(directory: FileRef): boolean;
	/** A file was seen in a directory. */
	saw(directory: FileRef, file: FileRef): void;
	/** Marks cannot be written: what they do not cover yet must not be changed. */
	readonly failed: boolean;
}

/**
 * Where the FUSE server hands over what it has applied. Implemented by primary/ (numbering, sending, freezing);
 * the FUSE server itself knows nothing of peers. One sink for each replicated directory: a FileRef names a file
 * of one directory's file system only.
 */
export interface ChangeSink {
	/**
	 * Asked before a change is applied. 0: go on; an errno (EROFS on a secondary, EIO after `fail`): answer it;
	 * "park": keep the request unapplied, and try again when `unpark` of the server is called (frozen, or the send
	 * window is full). Reads are never parked.
	 */
	gate(): number | "park";
	/** null: no marks are kept. */
	readonly marks: Coverage | null;
	/** The next file id, reserved for a `make` that is about to be applied. */
	nextId(): FileId;
	/**
	 * The change was applied locally. `acknowledge(0)` is called when the caller may be answered, with an errno if it
	 * must fail (frozen without permission). Exactly once, possibly before this returns.
	 */
	submit(operation: Operation, acknowledge: (errno: number) => void): void;
	/** A write or a sync of this disk failed for a reason that is none of the application's: −errno. */
	diskFailed(result: number): void;
}
