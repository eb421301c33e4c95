/**
 * A small database in one file: write-ahead log, so that what was written survives the death of the process, and no
 * sync at every row, because a log is worth less than the disk's time. Bounded by whoever uses it.
 */
import { chmodSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

const [corrupt, notDatabase] = [11, 26];
/** Of a database in memory: 16 MB. */
const memoryPages = 4096;

/**
 * Opens `file`, making it and its folder (0700) if need be, and runs `schema` on it. A broken log never keeps a module
 * from running: a file that is no database any more is put aside as `<file>.broken` and a new one is started, and where
 * the disk takes none, its rows are kept in memory.
 */
export function openDatabase(file: string, schema: string): DatabaseSync {
	try {
		mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
		return openFile(file, schema);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		process.emitWarning(`${file}: ${reason}. Until the next start its rows are kept in memory.`);
		return prepare(":memory:", schema, `PRAGMA max_page_count=${memoryPages};`);
	}
}

function openFile(file: string, schema: string): DatabaseSync {
	try {
		return prepare(file, schema);
	} catch (error) {
		// On a full disk there is no room for what several connections share. One alone needs none: it reads what there
		// is, and writes once there is room again.
		if (!isBroken(error)) return prepare(file, schema, "PRAGMA locking_mode=EXCLUSIVE;");
		putAside(file);
		return prepare(file, schema);
	}
}

/** The file itself: a disk that is full or fails says nothing of it. */
function isBroken(error: unknown): boolean {
	const { errcode = 0 } = error as { errcode?: number };
	return [corrupt, notDatabase].includes(errcode & 0xff);
}

function putAside(file: string): void {
	rmSync(`${file}.broken`, { force: true });
	renameSync(file, `${file}.broken`);
	for (const suffix of ["-wal", "-shm"]) rmSync(file + suffix, { force: true });
}

function prepare(file: string, schema: string, first = ""): DatabaseSync {
	const database = new DatabaseSync(file);
	try {
		database.exec(first);
		database.exec("PRAGMA busy_timeout=2000; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
		database.exec("PRAGMA journal_size_limit=4194304;");
		database.exec(schema);
		if (file !== ":memory:") chmodSync(file, 0o600);
	} catch (error) {
		database.close();
		throw error;
	}
	return database;
}
