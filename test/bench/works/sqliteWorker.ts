/** One row a transaction into an SQLite database with a write-ahead log that is synced at each commit. Arguments: file, seconds. */
import { DatabaseSync } from "node:sqlite";

const [file, secondsText] = process.argv.slice(2) as [string, string];
const database = new DatabaseSync(file);
database.exec("pragma journal_mode = wal; pragma synchronous = full; create table t (n integer primary key, v text)");
const insert = database.prepare("insert into t (v) values (?)");
const value = "x".repeat(100);
const latencies: number[] = [];
const started = performance.now();
const until = started + Number(secondsText) * 1000;
let before = started;
while (before < until) {
	insert.run(value);
	const now = performance.now();
	latencies.push(now - before);
	before = now;
}
database.close();
latencies.sort((a, b) => a - b);
const at = (share: number): number => (latencies[Math.floor((latencies.length - 1) * share)] ?? 0) * 1000;
const rate = latencies.length / ((before - started) / 1000);
process.stdout.write(`${JSON.stringify({ value: rate, p50Us: at(0.5), p99Us: at(0.99) })}\n`);
