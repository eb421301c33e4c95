/** A light module on a real daemon: its checkers, its processes, and what a killed daemon leaves of them. */
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as NetServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { addresses, clusterXml, installSource, Server, writeModule } from "./server.ts";

/** Commands have at most 15 characters, and belong to this run of the test alone. */
const app = `app${process.pid}`;
const [host] = addresses;

const service = (port: number) => `<service mode="light">
	<user/>
	<errd polltimer="1">
		<proc name="${app}" class="both" action="restart" argregex="^[^ ]*${app} 1000$"/>
		<proc name="ghost" class="mine" action="noaction"/>
		<proc name="sick" class="ill" action="mend.sh"/>
	</errd>
	<check>
		<tcp ident="web" when="both"><to addr="${host}" port="${port}" interval="1" timeout="1"/></tcp>
		<custom ident="own" when="both" exec="own.sh" arg="x 'y z'"/>
		<intf ident="here"><to local_addr="127.0.0.1"/></intf>
	</check>
	<failover period="200ms" handle_time="400ms"/>
</service>`;
const own = `echo "$*" >> "$SAFEVAR/checker"
while true; do "$SAFE/safekit" set -r "$2" -v up -i own; sleep 1; done`;
const mend = 'echo "$*" >> "$SAFEVAR/mended"; exit $(($(wc -l < "$SAFEVAR/mended") - 1))';
const scripts = { start_both: `"$SAFEVAR/${app}" 1000 &`, stop_both: `"$SAFE/safekit" kill -name=${app} -level=9` };

function running(name: string): number[] {
	return readdirSync("/proc").flatMap((entry) => {
		try {
			const same = /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/comm`, "utf8") === `${name}\n`;
			return same && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${entry}/stat`, "utf8")) ? [Number(entry)] : [];
		} catch {
			return [];
		}
	});
}

function checkers(safevar: string): number[] {
	return readdirSync("/proc").flatMap((entry) => {
		try {
			const environment = /^\d+$/.test(entry) ? readFileSync(`/proc/${entry}/environ`, "utf8") : "";
			return environment.includes(`SAFECHECKER=${safevar}:`) ? [Number(entry)] : [];
		} catch {
			return [];
		}
	});
}

function listen(port: number): Promise<NetServer> {
	return new Promise((resolve, reject) => {
		const server = createServer((socket) => socket.destroy());
		server.once("error", reject);
		server.listen(port, host, () => resolve(server));
	});
}

/** A server of its own cluster, its web service on the port. */
async function alone(t: ExecutionContext, port: number): Promise<Server> {
	const server = new Server(t, "n1");
	t.teardown(() => {
		for (const pid of [...checkers(server.safevar), ...running(app)]) process.kill(pid, "SIGKILL");
	});
	server.setup("setup");
	copyFileSync("/bin/sleep", join(server.safevar, app));
	writeFileSync(join(server.safe, "web/conf/httpd.conf"), `Define httpport ${port}\nDefine httpaddress ${host}\n`);
	await server.start();
	writeFileSync(join(server.folder, "cluster.xml"), clusterXml);
	server.ok("cluster", "config", join(server.folder, "cluster.xml"));
	return server;
}

function configure(server: Server, name: string, service: string, scripts: Record<string, string>): void {
	installSource(server, name, writeModule(join(server.folder, name), service, scripts));
	server.ok("config", "-m", name);
}

test.serial("a light module is watched, a killed daemon changes nothing, a stop leaves nothing", async (t) => {
	let web = await listen(0);
	t.teardown(() => web.close());
	const { port } = web.address() as { port: number };
	const server = await alone(t, 9010);
	configure(server, "m", service(port), { ...scripts, "own.sh": own, "mend.sh": mend });
	const value = (name: string): string => server.ok("get", "-m", "m", "-r", name).trim();
	const values = (): string[] => [`proc.${app}`, "tcp.web", "custom.own", "intf.here"].map(value);
	t.deepEqual(values(), ["init", "init", "init", "init"]);
	t.is(server.run("errd", "enable", "-m", "m", "mine").code, 1, "nothing is watched of a stopped module");

	server.ok("start", "-m", "m");
	await server.until(() => values().every((each) => each === "up"), 30);
	t.is(server.state("m"), "UP Ready");
	t.regex(readFileSync(join(server.safevar, "checker"), "utf8"), /^m custom\.own x y z\n$/);

	const [before] = running(app);
	process.kill(before as number, "SIGKILL");
	await server.until(() => running(app).some((pid) => pid !== before), 30);
	await server.until(() => value(`proc.${app}`) === "up", 30);
	t.regex(server.log("m"), new RegExp(`\\| errd \\| E \\| Process ${app} not running\\n`));
	t.regex(server.log("m"), new RegExp(`\\| errd \\| C \\| Resource proc\\.${app} set to down by errd\\n`));
	t.regex(server.log("m"), /Action restart called by errd\n/);

	await server.until(() => checkers(server.safevar).length > 0 && values().every((each) => each === "up"), 30);
	const lines = server.log("m").split("\n").length;
	const leader = (): string => server.ok("get", "-m", "m", "-r", "custom.own", "--json");
	const [asBefore, programs] = [leader(), readFileSync(join(server.safevar, "checker"), "utf8")];
	t.true(await server.kill("SIGKILL"));
	await server.start();
	await sleep(3000);
	t.is(leader(), asBefore, "a restarted daemon touches no resource");
	t.is(readFileSync(join(server.safevar, "checker"), "utf8"), programs, "and starts no checker twice");
	t.is(server.log("m").split("\n").length, lines, server.log("m"));

	// Without its note the daemon knows the classes from the state of the module.
	t.true(await server.kill("SIGKILL"));
	writeFileSync(join(server.safevar, "run/monitoring-m.json"), "half a no");
	await server.start();
	await server.until(() => running(app).length === 1 && values().every((each) => each === "up"), 30);
	t.is(readFileSync(join(server.safevar, "checker"), "utf8"), programs, "the program was found by its environment");

	const source = join(server.safe, "modules/m/conf/userconfig.xml");
	writeFileSync(source, readFileSync(source, "utf8").replace('timeout="1"', 'timeout="2"'));
	const untouched = server.ok("get", "-m", "m", "-r", "tcp.web", "--json");
	server.ok("config", "-m", "m");
	await sleep(1500);
	t.is(server.ok("get", "-m", "m", "-r", "tcp.web", "--json"), untouched, "another timeout is no other resource");

	web.close();
	await server.until(() => /Action restart from failover rule t_web/.test(server.log("m")), 30);
	t.regex(server.log("m"), /\| tcpcheck \| C \| Resource tcp\.web set to down by tcpcheck\n/);
	web = await listen(port);
	await server.until(() => server.state("m") === "UP Ready" && values().every((each) => each === "up"), 30);

	server.ok("checker", "off", "-m", "m");
	await server.until(() => value("tcp.web") === "unknown" && checkers(server.safevar).length === 0, 30);
	t.is(value(`proc.${app}`), "up");
	server.ok("checker", "on", "-m", "m");
	await server.until(() => values().every((each) => each === "up"), 30);

	server.ok("errd", "enable", "-m", "m", "mine");
	await server.until(() => value("proc.ghost") === "down", 30);
	t.regex(server.ok("errd", "list", "-m", "m"), /^ghost +process +mine +enabled +noaction +down$/m);
	t.is(server.run("errd", "enable", "-m", "m", "yours").code, 2);
	server.ok("errd", "disable", "-m", "m", "mine");
	t.is(value("proc.ghost"), "init");

	t.regex(server.ok("kill", `-name=${app}`, "-level=test"), new RegExp(`^${running(app)[0]} \\S*${app} 1000\n$`));
	t.is(server.run("kill", `-name=${app}`, "-argregex=^nothing", "-level=test").code, 1);
	t.is(server.run("kill", `-name=${app}`, "-level=7").code, 2);

	server.ok("errd", "enable", "-m", "m", "ill");
	await server.until(() => /Action stopstart called by errd/.test(server.log("m")), 30);
	t.regex(server.log("m"), /\| errd \| E \| Handler mend\.sh of proc\.sick failed \(1\)\n/);
	t.is(readFileSync(join(server.safevar, "mended"), "utf8"), "m proc.sick\nm proc.sick\n", "the first one was enough");
	await server.until(() => server.state("m") === "UP Ready" && values().every((each) => each === "up"), 30);
	t.is(value("proc.sick"), "init", "a class that was enabled by hand is not after a stop");

	server.ok("stop", "-m", "m");
	server.ok("waitstop", "-m", "m", "--timeout", "30");
	t.deepEqual([checkers(server.safevar), running(app)], [[], []]);
	t.deepEqual(values(), ["init", "init", "init", "init"]);

	// As after a start of the machine that the module did not survive, but its program did.
	server.ok("start", "-m", "m");
	await server.until(() => values().every((each) => each === "up"), 30);
	t.true(await server.kill("SIGKILL"));
	t.true(checkers(server.safevar).length > 0);
	for (const file of ["modules/m/state.json", "run/monitoring-m.json"]) rmSync(join(server.safevar, file));
	await server.start();
	await server.until(() => checkers(server.safevar).length === 0 && values().every((each) => each === "init"), 30);
	t.is(server.state("m"), "STOP NotReady");
});

test.serial("a follower waits for its leader, and begins anew when the leader does", async (t) => {
	const free = await listen(0);
	const { port } = free.address() as { port: number };
	free.close();
	const server = await alone(t, port);
	configure(server, "leader", '<service mode="light"><user/></service>', {});
	const check = `<check><module name="leader"><to addr="${host}" port="${port}" interval="1"/></module></check>`;
	const follower = `<service mode="light"><user/>${check}<failover period="500ms" handle_time="3000ms"/></service>`;
	configure(server, "follower", follower, {});
	const ready = async (name: string): Promise<number> =>
		(await fetch(`http://${host}:${port}/var/modules/${name}/ready.txt`)).status;
	server.ok("start", "-m", "follower");
	await server.until(() => server.state("follower") === "WAIT NotReady", 30);
	t.is(await ready("leader"), 404);
	server.ok("start", "-m", "leader");
	await server.until(() => server.state("follower") === "UP Ready", 30);
	t.is(await ready("leader"), 200);
	t.is(await ready("follower"), 200);
	const said = await (await fetch(`http://${host}:${port}/api/v1/modules/leader`)).json();
	t.like(said, { node: "n1", name: "leader", state: "UP", status: "Ready" });

	server.ok("restart", "-m", "leader");
	await server.until(() => /Action stopstart called by modulecheck/.test(server.log("follower")), 30);
	await server.until(() => server.state("follower") === "UP Ready", 30);
	server.ok("stop", "-m", "leader");
	await server.until(() => server.state("follower") === "WAIT NotReady", 30);
	const log = server.log("follower");
	t.regex(log, new RegExp(`Resource module\\.leader_${host} set to down by modulecheck\\n`));
	t.regex(log, /Action wait from failover rule module_failure\n/);
	server.ok("stop", "-m", "follower");
	server.ok("waitstop", "-m", "follower", "--timeout", "30");
});
