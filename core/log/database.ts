/**
 * A small database in one file: write-ahead log, so that what was written survives the death of the process, and no
 * sync at every row, because a log is worth less than the disk's time. Bounded by whoever uses it.
 */
import { chmodSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Opens `file`, making it and its folder (0700) if need be, and runs `schema` on it. A file that is no database any
 * more is put aside as `<file>.broken` and a new one is started: a broken log never keeps a module from running.
 */
export function openDatabase(file: string, schema: string): DatabaseSync {
	mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
	try {
		return prepare(file, schema);
	} catch {
		rmSync(`${file}.broken`, { force: true });
		renameSync(file, `${file}.broken`);
		for (const suffix of ["-wal", "-shm"]) rmSync(file + suffix, { force: true });
		return prepare(file, schema);
	}
}

function prepare(file: string, schema: string): DatabaseSync {
	const database = new DatabaseSync(file);
	try {
		database.exec("PRAGMA busy_timeout=2000; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
		database.exec("PRAGMA journal_size_limit=4194304;");
		database.exec(schema);
		chmodSync(file, 0o600);
	} catch (error) {
		database.close();
		throw error;
	}
	return database;
}
