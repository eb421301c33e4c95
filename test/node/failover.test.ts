/** Failover rules of a module on a real server: what they do, what a person sees of them, and the counter of maxloop. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { clusterXml, Server, writeModule } from "./server.ts";

const say = (what: string) => `echo "${what}" >> "$SAFEVAR/said"`;
const scripts = Object.fromEntries(
	["prestart", "start_both", "stop_both", "poststop"].map((name) => [name, say(`${name} $*`)]),
);
const rules = `<failover period="500ms" handle_time="1s"><![CDATA[
	disk: if (custom.disk == down) then wait();
	app: if (custom.app == down) then restart();
	end: if (custom.end == down) then stop();
]]></failover>`;

async function light(t: ExecutionContext, attributes = ""): Promise<Server> {
	const server = new Server(t, "n1");
	server.setup("setup");
	await server.start();
	writeFileSync(join(server.folder, "cluster.xml"), clusterXml);
	server.ok("cluster", "config", join(server.folder, "cluster.xml"));
	const source = `<service mode="light"${attributes}>${rules}<user/></service>`;
	server.pack(writeModule(join(server.folder, "source"), source, scripts), join(server.folder, "m.safe"));
	server.ok("module", "install", "-m", "m", join(server.folder, "m.safe"));
	server.ok("config", "-m", "m");
	return server;
}

const ruleOf = (server: Server): { state: string; rule: string | null; why: string } =>
	JSON.parse(server.ok("state", "-m", "m", "--json")).modules[0];

test.serial("a resource that a script sets restarts, holds and lets go; the daemon may die meanwhile", async (t) => {
	const n1 = await light(t);
	for (const resource of ["state.local STOP NotReady", "usersetting.checker on", "usersetting.boot off"]) {
		const [name = "", ...value] = resource.split(" ");
		t.is(n1.ok("get", "-m", "m", "-r", name), `${value.join(" ")}\n`);
	}
	n1.ok("start", "-m", "m");
	n1.ok("waitstate", "-m", "m", "UP", "--timeout", "30");
	n1.ok("set", "-m", "m", "-r", "custom.app", "-v", "up", "-i", "mycheck");
	t.regex(n1.ok("rules", "-m", "m"), /\n {2}app +configured +restart\(\) +false +custom\.app == down\n/);
	t.regex(n1.ok("rules", "-m", "m"), /\n {2}disk +configured +wait\(\) +no value yet +custom\.disk == down\n/);
	t.like(JSON.parse(n1.ok("rules", "-m", "m", "--json")).rules.at(-1), {
		label: "app",
		from: "configured",
		action: "restart",
		condition: "custom.app == down",
		now: "no",
	});
	n1.ok("set", "-m", "m", "-r", "custom.app", "-v", "down", "-i", "mycheck");
	await n1.until(() => n1.said().includes("start_both UP UP restart"));
	n1.ok("set", "-m", "m", "-r", "custom.app", "-v", "up", "-i", "mycheck");
	t.regex(
		n1.log("m"),
		/\| safekit \| C \| Resource custom\.app set to down by mycheck\n.*\| heart \| C \| Action restart from failover rule app\n/,
	);
	n1.ok("set", "-m", "m", "-r", "custom.disk", "-v", "down");
	n1.ok("waitstate", "-m", "m", "WAIT", "--timeout", "30");
	await n1.until(() => n1.state("m") === "WAIT NotReady");
	t.like(ruleOf(n1), { rule: "disk", why: "The failover rule disk holds the module" });
	t.deepEqual(n1.said().slice(-3), [
		"stop_both force WAIT STOP stopwait",
		"poststop WAIT STOP stopwait",
		"prestart STOP WAIT stopstart",
	]);
	await n1.kill("SIGKILL");
	await n1.start();
	t.is(n1.state("m"), "WAIT NotReady");
	t.is(n1.log("m").match(/Action wait from failover rule disk/g)?.length, 1);
	n1.ok("set", "-m", "m", "-r", "custom.disk", "-v", "up");
	n1.ok("waitstate", "-m", "m", "UP", "--timeout", "30");
	t.is(ruleOf(n1).rule, null);
	t.regex(n1.log("m"), /\| heart \| I \| Action wakeup from failover rule Implicit_wakeup\n/);
	const history = JSON.parse(n1.ok("get", "-m", "m", "-r", "custom.disk", "--history", "--json")).history;
	t.deepEqual(
		history.map(({ value }: { value: string }) => value),
		["down", "up"],
	);
	n1.ok("set", "-m", "m", "-r", "custom.end", "-v", "down");
	n1.ok("waitstate", "-m", "m", "STOP", "--timeout", "30");
	t.is(ruleOf(n1).why, "Stopped by end: see the log");
});

test.serial("errors are counted, shown and reset as documented", async (t) => {
	const n1 = await light(t, ' maxloop="2" loop_interval="1h"');
	const counted = (): { count: number; reached: boolean } =>
		JSON.parse(n1.run("checkloop", "-m", "m", "--json").out) as { count: number; reached: boolean };
	n1.ok("start", "-m", "m");
	n1.ok("waitstate", "-m", "m", "UP", "--timeout", "30");
	t.is(n1.run("incloop", "-m", "m", "-i", "handler").code, 0);
	const since = Number(n1.ok("get", "-m", "m", "-r", "heart.stopstartloop"));
	t.true(Math.abs(since - Date.now() / 1000) < 60, "when the counter began, in seconds");
	t.like(counted(), { count: 1, reached: false });
	n1.ok("resetloop", "-m", "m");
	t.like(counted(), { count: 0, reached: false });
	n1.ok("set", "-m", "m", "-r", "custom.app", "-v", "down");
	await n1.until(() => n1.said().filter((line) => line === "start_both UP UP restart").length === 2);
	n1.ok("waitstate", "-m", "m", "STOP", "--timeout", "30");
	t.like(counted(), { count: 3, reached: true });
	t.is(n1.run("checkloop", "-m", "m").code, 1);
	t.regex(n1.log("m"), /\| heart \| C \| Action stop called by maxloop\n/);
	t.regex(ruleOf(n1).why, /^Stopped by maxloop: more than 2 errors within loop_interval/);
	n1.ok("set", "-m", "m", "-r", "custom.app", "-v", "up");
	n1.ok("start", "-m", "m");
	t.is(n1.run("checkloop", "-m", "m").code, 0, "a person's command begins anew");
	t.true(JSON.parse(n1.ok("get", "-m", "m", "-r", "heart.stopstartloop", "--history", "--json")).history.length >= 5);
});
