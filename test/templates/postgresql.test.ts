/** What the postgresql template does beside the mirror's scripts (spec/07, spec/09 §8). */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { isAlive, until } from "../scripts/place.ts";
import { type Server, server } from "./server.ts";

interface Database extends Server {
	data: string;
	vars: Record<string, string>;
	settings: string;
}

const unit = "postgresql@15-main.service";

/** A Debian server with one cluster. */
async function database(t: ExecutionContext): Promise<Database> {
	const made = await server(t, "postgresql");
	const data = join(made.top, "data dir");
	const settings = join(made.top, "etc/15/main");
	mkdirSync(data);
	mkdirSync(settings, { recursive: true });
	writeFileSync(
		join(settings, "postgresql.conf"),
		`#data_directory = 'old'\ndata_directory = '${data}'\t# where\nport = 5432\n`,
	);
	writeFileSync(join(settings, "start.conf"), "# Automatic startup configuration\n# auto: start at boot\n\nauto\n");
	made.unit("postgresql.service", "active");
	made.unit("postgresql@.service", "");
	made.unit(unit, "inactive");
	const vars = { SERVICES: "postgresql@15-main", POSTGRESQLDIR: data, PG_CLUSTER_CONF_ROOT: join(made.top, "etc") };
	return { ...made, data, vars, settings };
}

/** A process that is called postgres and works in the folder, as a server and its children do. */
async function postgres(t: ExecutionContext, node: Database, ignoreTerm = false): Promise<ChildProcess> {
	const program = join(node.top, "postgres");
	if (!existsSync(program)) copyFileSync("/bin/bash", program);
	const script = `${ignoreTerm ? "trap '' TERM; " : ""}echo up; while :; do read -t 1 < <(:) || :; done`;
	const child = spawn(program, ["-c", script], { cwd: node.data, stdio: ["ignore", "pipe", "ignore"] });
	t.teardown(() => child.kill("SIGKILL"));
	await new Promise((resolve) => child.stdout?.once("data", resolve));
	return child;
}

const pidFile = (node: Database): string => join(node.data, "postmaster.pid");

test("postconfig: the boot no longer starts the cluster, and only this one", async (t) => {
	const node = await database(t);
	const run = node.run("postconfig", [], node.vars);
	t.is(run.code, 0, run.out);
	t.is(
		readFileSync(join(node.settings, "start.conf"), "utf8"),
		"# Automatic startup configuration\n# auto: start at boot\n\nmanual\n",
	);
	t.deepEqual(node.commands(), [`disable ${unit}`]);
	t.is(node.run("postconfig", [], node.vars).out, "", "a second time there is nothing to do");
});

test("postconfig refuses the service that stands for all clusters, and lists them", async (t) => {
	const node = await database(t);
	const run = node.run("postconfig", [], { ...node.vars, SERVICES: "postgresql" });
	t.is(run.code, 1);
	t.regex(run.out, /^Error: .* SERVICES has to name one cluster.*\n {2}postgresql@15-main\n$/);
	t.deepEqual(node.commands(), []);
});

test("postconfig accepts the plain service where a system has no clusters", async (t) => {
	const node = await server(t, "postgresql");
	node.unit("postgresql.service", "active");
	const run = node.run("postconfig", [], { SERVICES: "postgresql", POSTGRESQLDIR: node.top });
	t.deepEqual([run.code, run.out], [0, ""]);
	t.deepEqual(node.commands(), ["disable postgresql.service"]);
});

test("postconfig refuses a replicated directory that is not the database's", async (t) => {
	const node = await database(t);
	const other = join(node.top, "other");
	mkdirSync(other);
	const cases: [Record<string, string>, RegExp][] = [
		[
			{ POSTGRESQLDIR: other },
			/has its data in .*data dir, and the module replicates .*other\.\nCorrect POSTGRESQLDIR/,
		],
		[{ POSTGRESQLDIR: `${other}/none` }, /^Error: the data directory .*none does not exist/],
		[
			{ SERVICES: "postgresql@14-main" },
			/^Error: postgresql@14-main\.service has no settings: .*etc\/14\/main\/postgresql\.conf/,
		],
	];
	for (const [vars, message] of cases) {
		const run = node.run("postconfig", [], { ...node.vars, ...vars });
		t.is(run.code, 1);
		t.regex(run.out, message);
	}
	const { POSTGRESQLDIR: _, ...without } = node.vars;
	node.safeconf({});
	t.regex(node.run("postconfig", [], without).out, /^Error: the variable POSTGRESQLDIR is missing/);
	t.deepEqual(node.commands(), []);
	t.regex(readFileSync(join(node.settings, "start.conf"), "utf8"), /\nauto\n$/);
});

test("postconfig knows the directory by a link too, and by safeconf.xml alone", async (t) => {
	const node = await database(t);
	const link = join(node.top, "link");
	symlinkSync(node.data, link);
	node.safeconf({ SERVICES: "postgresql@15-main", POSTGRESQLDIR: link });
	const run = node.run("postconfig", [], { PG_CLUSTER_CONF_ROOT: node.vars.PG_CLUSTER_CONF_ROOT ?? "" });
	t.is(run.code, 0, run.out);
});

test("start_prim removes the postmaster.pid of a server that lost power", async (t) => {
	const node = await database(t);
	writeFileSync(pidFile(node), `${process.pid}\n${node.data}\n`);
	t.is(node.run("start_prim", ["SECOND", "ALONE", "start"], node.vars).code, 0);
	t.false(existsSync(pidFile(node)));
	t.deepEqual(node.commands(), [`start ${unit}`]);
});

test("start_prim keeps the postmaster.pid of a server that runs", async (t) => {
	const node = await database(t);
	const child = await postgres(t, node);
	node.unit(unit, "active");
	writeFileSync(pidFile(node), `${child.pid}\n`);
	t.is(node.run("start_prim", ["ALONE", "ALONE", "restart"], node.vars).code, 0);
	t.true(existsSync(pidFile(node)));
	t.true(isAlive(child.pid ?? 0));
});

test("the graceful stop leaves processes and pid file to the service", async (t) => {
	const node = await database(t);
	const child = await postgres(t, node);
	writeFileSync(pidFile(node), `${child.pid}\n`);
	t.is(node.run("stop_prim", ["PRIM", "WAIT", "stop"], node.vars).code, 0);
	t.true(existsSync(pidFile(node)) && isAlive(child.pid ?? 0));
});

test("the forced stop ends what outlived the service, and removes the stale pid file", async (t) => {
	const node = await database(t);
	const polite = await postgres(t, node);
	const stubborn = await postgres(t, node, true);
	writeFileSync(pidFile(node), `${polite.pid}\n`);
	t.is(node.run("stop_prim", ["force", "PRIM", "WAIT", "stop"], node.vars).code, 0);
	await until(() => !isAlive(polite.pid ?? 0) && !isAlive(stubborn.pid ?? 0));
	t.false(existsSync(pidFile(node)));
	const [term, kill, ...more] = node.calls();
	t.regex(term ?? "", /^printe\|stop_prim: PostgreSQL processes outlived their service and get signal TERM: \d+ \d+$/);
	t.is(kill, `printe|stop_prim: PostgreSQL processes outlived their service and get signal KILL: ${stubborn.pid}`);
	t.deepEqual(more, []);
});

test("the forced stop touches nothing while the service is not stopped, and no other database ever", async (t) => {
	const node = await database(t);
	const own = await postgres(t, node);
	writeFileSync(pidFile(node), `${own.pid}\n`);
	node.unit(unit, "active");
	t.is(node.run("stop_prim", ["force", "PRIM", "WAIT", "stop"], node.vars).code, 1);
	t.true(existsSync(pidFile(node)) && isAlive(own.pid ?? 0));
	node.unit(unit, "inactive");
	t.is(node.run("stop_prim", ["force"], { ...node.vars, POSTGRESQLDIR: join(node.top, "etc") }).code, 0);
	const { POSTGRESQLDIR: _, ...without } = node.vars;
	t.is(node.run("stop_prim", ["force"], without).code, 0);
	t.true(existsSync(pidFile(node)) && isAlive(own.pid ?? 0));
});
