/**
 * Real PostgreSQL under real systemd on two servers with the postgresql template, and pgbench against the virtual IP
 * address that remembers on its own side which transactions were acknowledged.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa, type ResultPromise } from "execa";
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";
import { filesIn, Mirror } from "./mirror.ts";

const template = join(import.meta.dirname, "../../../module-templates/postgresql");
const clients = 4;
/** Accounts of pgbench, and 10 tellers; few, so that a check takes no time. */
const accounts = 1000;
/** TPC-B as pgbench does it, and a row that says which transaction of which client this was. */
const transaction = `\\set n :n + 1
\\set aid random(1, ${accounts})
\\set tid random(1, 10)
\\set delta random(-5000, 5000)
BEGIN;
UPDATE accounts SET balance = balance + :delta WHERE id = :aid;
UPDATE tellers SET balance = balance + :delta WHERE id = :tid;
UPDATE branch SET balance = balance + :delta;
INSERT INTO history (round, client, n, delta) VALUES (:round, :client_id, :n, :delta);
COMMIT;
`;
const schema = `CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL);
CREATE TABLE tellers (id int PRIMARY KEY, balance int NOT NULL);
CREATE TABLE branch (balance int NOT NULL);
CREATE TABLE history (round int, client int, n int, delta int, PRIMARY KEY (round, client, n));
INSERT INTO accounts SELECT id, 0 FROM generate_series(1, ${accounts}) id;
INSERT INTO tellers SELECT id, 0 FROM generate_series(1, 10) id;
INSERT INTO branch VALUES (0);`;

/** Newest PostgreSQL of this machine; null if none is installed. */
export function installedVersion(): string | null {
	try {
		const versions = readdirSync("/usr/lib/postgresql");
		return versions.sort((a, b) => Number(b) - Number(a))[0] ?? null;
	} catch {
		return null;
	}
}

/** A run of pgbench. */
export interface Work {
	/** Resolves when pgbench has ended, with its exit code and what it said. */
	ended: Promise<{ exitCode: number | null; said: string }>;
	/** Transactions, as `client:n`, whose COMMIT was answered. To be read after the end. */
	acknowledged(): string[];
}

export class Database {
	readonly mirror: Mirror;
	readonly #folder: string;
	#round = 0;

	private constructor(mirror: Mirror, folder: string) {
		this.mirror = mirror;
		this.#folder = folder;
	}

	/** Two servers with an empty database each, then one mirror of them. `sabotage` goes to the daemons. */
	static async make(lab: Lab, version: string, sabotage: string | null): Promise<Database> {
		const directory = `/var/lib/postgresql/${version}/main`;
		const keep = ["/etc/systemd/system", "/etc/postgresql", "/var/lib/postgresql"];
		const options = { init: "systemd", keep } as const;
		const nodes: [LabNode, LabNode] = [await lab.node("n1", options), await lab.node("n2", options)];
		for (const node of nodes) {
			if (sabotage !== null) await sabotageDaemon(node, sabotage);
			await makeCluster(node, version);
		}
		const mirror = new Mirror(lab, nodes, "postgresql");
		await mirror.setUpCluster(1);
		const userconfig = readFileSync(join(template, "conf/userconfig.xml"), "utf8")
			.replace('addr=""', `addr="${mirror.vip}"`)
			.replace("<heart>", '<heart pulse="200ms" timeout="2s">')
			.replace(/(name="SERVICES" value=)"[^"]*"/, `$1"postgresql@${version}-main"`)
			.replace(/(name="POSTGRESQLDIR" value=)"[^"]*"/, `$1"${directory}"`);
		await mirror.install([
			{ path: "conf/userconfig.xml", content: userconfig, mode: 0o644 },
			...filesIn(template, "bin", 0o755),
		]);
		const folder = join(lab.folder, "pgbench");
		mkdirSync(folder);
		writeFileSync(join(folder, "transaction.sql"), transaction);
		return new Database(mirror, folder);
	}

	/** Starts the mirror and fills the database. */
	async start(): Promise<void> {
		await this.mirror.start();
		await this.query(schema);
	}

	/** SQL through the virtual IP address; rows as lines. */
	async query(sql: string): Promise<string[]> {
		const args = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", "-d", ...this.#connection];
		const { stdout } = await execa("psql", args, { input: sql, timeout: 60_000, env: { PGCONNECT_TIMEOUT: "10" } });
		return stdout.split("\n").filter(Boolean);
	}

	/** pgbench for `seconds`, or until the server it talks to is gone. */
	work(seconds: number): Work {
		const round = ++this.#round;
		const prefix = `round-${round}`;
		const script = ["-f", "transaction.sql", "-D", `round=${round}`, "-D", "n=0"];
		const args = ["-n", "-c", `${clients}`, "-j", "1", "-T", `${seconds}`, "-l", "--log-prefix", prefix, ...script];
		const options = { cwd: this.#folder, reject: false, all: true, timeout: (seconds + 60) * 1000 } as const;
		const run = execa("pgbench", [...args, ...this.#connection], options);
		return { ended: endOf(run), acknowledged: () => this.#acknowledged(prefix) };
	}

	/** Acknowledged transactions of the last work that the database does not hold. */
	async missing(work: Work): Promise<string[]> {
		const rows = await this.query(`SELECT client || ':' || n FROM history WHERE round = ${this.#round};`);
		const there = new Set(rows);
		return work.acknowledged().filter((id) => !there.has(id));
	}

	/** Empty if the books balance and no index contradicts its table; otherwise what is wrong. */
	async unbalanced(): Promise<string[]> {
		return this.query(`
			SELECT 'accounts ' || a || ', tellers ' || t || ', branch ' || b || ', history ' || h FROM
			(SELECT sum(balance) a FROM accounts) x, (SELECT sum(balance) t FROM tellers) y,
			(SELECT balance b FROM branch) z, (SELECT coalesce(sum(delta), 0) h FROM history) w
			WHERE NOT (a = t AND t = b AND b = h);`);
	}

	/** A client that waits for an answer of a server without power hears of it only by keepalive probes. */
	get #connection(): string[] {
		const keepalive = "keepalives_idle=1 keepalives_interval=1 keepalives_count=5";
		return [`host=${this.mirror.vip} user=postgres dbname=postgres ${keepalive}`];
	}

	/** pgbench -l writes a line for each answered transaction: client, number of it in this client, … */
	#acknowledged(prefix: string): string[] {
		const files = readdirSync(this.#folder).filter((name) => name.startsWith(`${prefix}.`));
		const lines = files.flatMap((name) => readFileSync(join(this.#folder, name), "utf8").split("\n").filter(Boolean));
		return lines.map((line) => {
			const [client, number] = line.split(" ");
			return `${client}:${number}`;
		});
	}
}

async function endOf(run: ResultPromise<{ reject: false; all: true }>): ReturnType<() => Work["ended"]> {
	const { exitCode, all } = await run;
	return { exitCode: exitCode ?? null, said: String(all).slice(-4000) };
}

/** A cluster that other machines reach, made new: this machine's own may be running or hold anything. */
async function makeCluster(node: LabNode, version: string): Promise<void> {
	const settings = `/etc/postgresql/${version}/main`;
	await node.run(
		`rm -rf /etc/postgresql/* /var/lib/postgresql/*
		pg_createcluster --locale C.UTF-8 ${version} main -- --auth-host=trust --auth-local=trust
		printf "listen_addresses = '*'\\n" >> ${settings}/postgresql.conf
		echo "host all all 10.0.0.0/8 trust" >> ${settings}/pg_hba.conf
		systemctl daemon-reload`,
		{ timeoutMs: 120_000 },
	);
}

async function sabotageDaemon(node: LabNode, sabotage: string): Promise<void> {
	const file = "/etc/systemd/system/safeadmin.service.d/sabotage.conf";
	await node.write(file, `[Service]\nEnvironment=OPENSAFE_SABOTAGE=${sabotage}\n`);
}
