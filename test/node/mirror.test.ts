import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { osIncarnation } from "../../core/platform/linux/server.ts";
import { addresses, pair, Server } from "./server.ts";

const service = (timeoutMs: number) =>
	`<service mode="mirror"><heart pulse="100" timeout="${timeoutMs}"><heartbeat name="default"/></heart><user><var name="X" value="1"/></user></service>`;
const say = (text: string) => `echo "${text}" >> "$SAFEVAR/said"`;
const scripts = { prestart: say("prestart $*"), start_prim: say("start_prim $* $X"), stop_prim: say("stop_prim $*") };

test.serial("two servers: start, stop of the primary, failover, return", async (t) => {
	const [n1, n2] = await pair(t, service(2000), scripts);
	n1.ok("start", "-m", "m");
	n1.ok("waitstart", "-m", "m");
	t.is(n1.state("m"), "ALONE Ready");
	n2.ok("start", "-m", "m");
	n2.ok("waitstate", "-m", "m", "SECOND", "--timeout", "30");
	n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "30");
	t.deepEqual(JSON.parse(n1.ok("state", "--json")).modules[0].peer, { state: "SECOND", status: "Ready" });
	n1.ok("stop", "-m", "m");
	n1.ok("waitstop", "-m", "m", "--timeout", "30");
	n2.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
	t.deepEqual(n2.said(), ["prestart STOP WAIT start", "start_prim SECOND ALONE start 1"]);
	n1.ok("start", "-m", "m");
	n1.ok("waitstate", "-m", "m", "SECOND", "--timeout", "30");
	n2.ok("waitstate", "-m", "m", "PRIM", "--timeout", "30");
	t.regex(n2.log("m"), /\| heartplug \| C \| Action alone called by heart: remote stop\n/);
});

test.serial("a killed daemon that comes back within the timeout causes no failover", async (t) => {
	const [n1, n2] = await pair(t, service(3000), scripts);
	n1.ok("start", "-m", "m");
	n1.ok("waitstart", "-m", "m");
	n2.ok("start", "-m", "m");
	n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "30");
	const before = [n1.said(), n2.said()];
	for (let times = 0; times < 3; times++) {
		t.true(await n1.kill("SIGKILL"));
		await n1.start();
		t.is(n1.state("m"), "PRIM Ready");
	}
	await sleep(4000);
	t.is(n2.state("m"), "SECOND Ready");
	t.is(n1.state("m"), "PRIM Ready");
	t.deepEqual([n1.said(), n2.said()], before, "the application was not touched");
	t.notRegex(n2.log("m"), /heartbeat\.default set to down/);
});

test.serial("a daemon that stays away is noticed (negative control)", async (t) => {
	const [n1, n2] = await pair(t, service(2000), scripts);
	n1.ok("start", "-m", "m");
	n1.ok("waitstart", "-m", "m");
	n2.ok("start", "-m", "m");
	n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "30");
	t.true(await n1.kill("SIGKILL"));
	n2.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
	t.regex(n2.log("m"), /\| heartplug \| C \| Action alone called by heart: no heartbeat\n/);
});

test.serial("what was edited is applied while the module runs only as far as that is safe", async (t) => {
	const [n1] = await pair(t, service(2000), scripts);
	n1.ok("start", "-m", "m");
	n1.ok("waitstart", "-m", "m");
	const userconfig = join(n1.safe, "modules/m/conf/userconfig.xml");
	writeFileSync(userconfig, `<safe>${service(2000).replace('value="1"', 'value="2"')}</safe>`);
	n1.ok("config", "-m", "m");
	n1.ok("restart", "-m", "m");
	await n1.until(() => n1.said().includes("start_prim ALONE ALONE restart 2"));
	const lastprim = service(2000).replace("<service ", '<service defaultprim="lastprim" ');
	writeFileSync(userconfig, `<safe>${lastprim}</safe>`);
	const refused = n1.run("config", "-m", "m");
	t.is(refused.code, 4);
	t.regex(refused.err, /safekit stop -m m/);
	t.is(n1.run("deconfig", "-m", "m").code, 4);
	t.is(n1.run("module", "uninstall", "-m", "m").code, 4);
	t.is(n1.run("cluster", "deconfig").code, 4);
	n1.ok("waitstart", "-m", "m");
	n1.ok("stop", "-m", "m");
	n1.ok("waitstop", "-m", "m");
	n1.ok("config", "-m", "m");
	const vip = `<vip><interface_list><interface><real_interface><virtual_addr addr="203.0.113.9"/></real_interface></interface></interface_list></vip>`;
	writeFileSync(userconfig, `<safe>${lastprim.replace("<user>", `${vip}<user>`)}</safe>`);
	const advised = n1.run("confcheck", "-m", "m");
	t.is(advised.code, 0);
	t.regex(advised.err, /no interface of this server has an address in the network of 203\.0\.113\.9/);
	writeFileSync(userconfig, "<safe><service mode='mirror'");
	t.is(n1.run("config", "-m", "m").code, 3);
	t.is(n1.run("confcheck", "-m", "m").code, 3);
	n1.ok("deconfig", "-m", "m");
	t.is(n1.run("start", "-m", "m").code, 1);
	n1.ok("module", "uninstall", "-m", "m");
	t.is(n1.ok("module", "list"), "");
	t.false(existsSync(join(n1.safevar, "modules/m")));
});

test.serial("a start script that gives up stops its module; settings last until the next configuration", async (t) => {
	const start_prim = `${say("start_prim $*")}; "$SAFE/safekit" printe "no application"; "$SAFE/safekit" stop -i start_prim; exit 1`;
	const [n1] = await pair(t, service(1000), { ...scripts, start_prim });
	n1.ok("start", "-m", "m");
	n1.ok("waitstate", "-m", "m", "STOP", "--timeout", "30");
	await n1.until(() => n1.said().at(-1)?.startsWith("stop_prim force") === true);
	n1.ok("waitstop", "-m", "m", "--timeout", "30");
	t.regex(n1.log("m"), /\| userplug \| E \| no application\n[\s\S]*\| U \| Action stop called by start_prim\n/);
	n1.ok("failover", "off", "-m", "m");
	n1.ok("checker", "off", "-m", "m");
	await n1.kill("SIGTERM");
	await n1.start();
	t.is(n1.ok("get", "-m", "m", "-r", "usersetting.failover"), "off\n");
	t.is(n1.ok("get", "-m", "m", "-r", "usersetting.checker"), "off\n");
	n1.ok("config", "-m", "m");
	t.is(n1.ok("get", "-m", "m", "-r", "usersetting.failover"), "on\n");
	t.is(n1.ok("get", "-m", "m", "-r", "usersetting.checker"), "on\n");
});

test.serial("setup and unsetup leave nothing behind, and unsetup refuses while modules run", async (t) => {
	const [n1] = await pair(t, service(2000), scripts);
	n1.ok("start", "-m", "m");
	n1.ok("waitstart", "-m", "m");
	const refused = n1.setup("unsetup");
	t.is(refused.code, 4);
	t.regex(refused.err, /Modules run on this server: m\.\n.*safekit shutdown/);
	n1.ok("shutdown");
	t.is(n1.state("m"), "STOP NotReady");
	t.is(n1.setup("unsetup", "--dry-run").code, 0);
	t.true(existsSync(n1.safe));
	const done = n1.setup("unsetup");
	t.is(done.code, 0, done.err);
	t.false(existsSync(n1.safe) || existsSync(n1.safevar));
	await sleep(500);
	t.false(await n1.kill("SIGKILL"), "the daemon has ended");
	t.is(n1.setup("unsetup").code, 0, "a second time");
});

test.serial("a server without cluster answers, and says what is missing", async (t) => {
	const server = new Server(t, "n1");
	server.setup("setup");
	await server.start();
	t.regex(server.ok("state"), /not in a cluster/);
	const confinfo = server.run("cluster", "confinfo");
	t.is(confinfo.code, 1);
	t.regex(confinfo.err, /cluster/);
	t.is(server.run("start", "-m", "nothing").code, 1);
});

test.serial("a restarted daemon sends pulses before it has loaded anything else", async (t) => {
	const server = new Server(t, "n1");
	server.setup("setup");
	const peer = createSocket("udp4");
	t.teardown(() => peer.close());
	const [localAddr, peerAddr] = addresses;
	await new Promise<void>((resolve) => peer.bind(18_888, peerAddr, resolve));
	const path = { ident: "default", localAddr, peerAddr, pulseMs: 100, timeoutMs: 1000 };
	const module = { module: "m", id: 1, port: 18_888, node: "n1", peer: "n2", paths: [path], key: "ab".repeat(32) };
	const announcement = { main: "PRIM", status: "Ready" };
	const start = { do: "start", module, announcement, resources: {} };
	const heart = join(server.safevar, "run/heart.json");
	writeFileSync(heart, JSON.stringify({ incarnation: osIncarnation(), started: [start] }));
	const begin = performance.now();
	const first = once(peer, "message").then(() => performance.now() - begin);
	const ready = server.start().then(() => performance.now() - begin);
	const [firstMs, readyMs] = await Promise.all([first, ready]);
	t.log(`first pulse after ${Math.round(firstMs)} ms, commands after ${Math.round(readyMs)} ms`);
	t.true(firstMs < 5000);
	await server.kill("SIGKILL");
	writeFileSync(heart, JSON.stringify({ incarnation: "another run of the system", started: [start] }));
	await server.start();
	const late = await Promise.race([once(peer, "message").then(() => "pulse"), sleep(1500, "silence")]);
	t.is(late, "silence", "what another run of the system left counts for nothing");
});
