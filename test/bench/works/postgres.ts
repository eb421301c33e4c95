/** PostgreSQL as it is installed, with its data on the subject: pgbench's own load. */
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../machine.ts";
import type { Bench, Sample, Work } from "../measure.ts";

const clients = [4, 16];
const installed = "/usr/lib/postgresql";

/** The newest PostgreSQL here. */
function programs(): string {
	const versions = readdirSync(installed).sort((a, b) => Number(a) - Number(b));
	return join(installed, versions.at(-1) ?? "", "bin");
}

/** Runs a program of PostgreSQL as its own user: it refuses root. */
function asPostgres({ signal }: Bench, cwd: string, program: string, ...args: string[]): Promise<string> {
	const user = ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig", "TERM"];
	return run(signal, "setpriv", [...user, join(programs(), program), ...args], { cwd });
}

async function withServer<T>(bench: Bench, data: string, sockets: string, action: () => Promise<T>): Promise<T> {
	const options = `-c listen_addresses= -c unix_socket_directories=${sockets} -c shared_buffers=256MB -c max_wal_size=4GB`;
	const stop = async () => {
		const words = ["-D", data, "-m", bench.signal.aborted ? "immediate" : "fast", "-w", "stop"];
		await asPostgres({ ...bench, signal: new AbortController().signal }, sockets, "pg_ctl", ...words);
	};
	await asPostgres(bench, sockets, "pg_ctl", "-D", data, "-w", "-o", options, "-l", join(sockets, "log"), "start");
	try {
		return await action();
	} finally {
		await stop();
	}
}

let template: Promise<string> | null = null;

/** A database with pgbench's tables, made once and copied: the same for every subject. */
async function prepare(bench: Bench): Promise<string> {
	const home = join(bench.scratch, "postgres");
	mkdirSync(home);
	await run(bench.signal, "chown", ["postgres:postgres", home]);
	const data = join(home, "data");
	await asPostgres(bench, home, "initdb", "-D", data, "--no-sync", "-A", "trust", "--no-locale", "-E", "UTF8");
	await withServer(bench, data, home, async () => {
		await asPostgres(bench, home, "createdb", "-h", home, "bench");
		await asPostgres(bench, home, "pgbench", "-h", home, "-q", "-i", "-s", bench.quick ? "4" : "20", "bench");
	});
	return data;
}

async function pgbench(bench: Bench, sockets: string, count: number): Promise<Sample> {
	const seconds = bench.quick ? "2" : "15";
	const words = ["-h", sockets, "-n", "-M", "prepared", "-c", String(count), "-j", "2", "-T", seconds];
	const out = await asPostgres(bench, sockets, "pgbench", ...words, "bench");
	const tps = /^tps = ([\d.]+) \(without/m.exec(out)?.[1];
	if (tps === undefined) throw new Error(`pgbench says no tps: ${out.slice(0, 500)}`);
	return { value: Number(tps) };
}

export const postgresWorks: Work[] = [
	{
		rows: clients.map((count) => ({ row: `pgbench-${count}`, title: `pgbench -c ${count}`, unit: "op/s" })),
		needs: ["postgresql"],
		async run(bench, folder, subject) {
			template ??= prepare(bench);
			const source = await template;
			mkdirSync(folder, { recursive: true });
			chmodSync(folder, 0o755);
			const data = join(folder, "data");
			await run(bench.signal, "cp", ["-a", source, data]);
			// On the disk itself: a socket is no data.
			const sockets = join(bench.scratch, `sockets-${subject.name}`);
			mkdirSync(sockets, { recursive: true });
			await run(bench.signal, "chown", ["postgres:postgres", sockets]);
			return withServer(bench, data, sockets, async () => {
				const found: Record<string, Sample> = {};
				for (const count of clients) found[`pgbench-${count}`] = await pgbench(bench, sockets, count);
				return found;
			});
		},
	},
];
