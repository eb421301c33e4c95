/** What checkers find out on real sockets, between two boxes with a cable. */
import type { CheckerSettings } from "../../core/module/settings/checkers.ts";
import { ask, boxTest, two } from "../platform/two.ts";

const common = { ident: "x", resource: "x.x", when: "pre", action: "wait" } as const;
const times = { intervalMs: 1000, timeoutMs: 700 };
const tcp = (addr: string, port: number): CheckerSettings => ({ kind: "tcp", ...common, addr, port, ...times });
const ping = (addr: string): CheckerSettings => ({ kind: "ping", ...common, addr, ...times });
const intf = (localAddr: string | null, addr = "10.9.0.100"): CheckerSettings => {
	return { kind: "intf", ...common, localAddr, virtual: { addr, interface: null, netmask: null } };
};
const ip = (addr: string): CheckerSettings => ({ kind: "ip", ...common, addr, intervalMs: 1000 });

boxTest("tcp and ping: an answer, a refusal, silence, a name that does not exist", async (t) => {
	const { a, b } = await two(t);
	const listening = b.network(process.execPath, [
		"-e",
		"require('net').createServer().listen(7000,'::'); setTimeout(()=>process.exit(0), 8000)",
	]);
	const settings = [
		...[tcp("10.9.0.2", 7000), tcp("fd09::2", 7000), tcp("10.9.0.2", 7001), tcp("10.9.0.77", 7000)],
		...[tcp("no-such-host.invalid", 80), ping("10.9.0.2"), ping("fd09::2"), ping("10.9.0.77")],
	];
	let said: string[] = [];
	for (let tries = 0; tries < 20 && !said[0]?.startsWith("up"); tries++) {
		said = await ask<string[]>(a, { do: "probe", settings, withinMs: 1500 });
	}
	t.deepEqual(said.slice(0, 3), [
		"up: 10.9.0.2 port 7000 answers",
		"up: fd09::2 port 7000 answers",
		"down: connect ECONNREFUSED 10.9.0.2:7001",
	]);
	t.regex(said[3] ?? "", /^down: (no answer from 10\.9\.0\.77 port 7000|connect EHOSTUNREACH)/);
	t.regex(said[4] ?? "", /^down: .*no-such-host\.invalid/);
	t.deepEqual(said.slice(5), ["up: 10.9.0.2 answers", "up: fd09::2 answers", "down: no answer from 10.9.0.77"]);
	await b.kill();
	await listening.catch(() => undefined);
});

boxTest("intf and ip: a pulled cable, an address that is taken away, another machine that has it", async (t) => {
	const { a, b, macs } = await two(t);
	const settings = [intf("10.9.0.1"), intf(null), intf(null, "192.168.77.1"), ip("10.9.0.100"), ip("10.9.0.1")];
	const look = () => ask<string[]>(a, { do: "probe", settings, withinMs: 3000 });
	await a.network("ip", ["addr", "add", "10.9.0.100/24", "dev", "eth0"]);
	t.deepEqual(await look(), [
		"up: the interface eth0 is up",
		"up: the interface eth0 is up",
		"down: no interface has an address in the network of 192.168.77.1",
		"up: 10.9.0.100 is set on eth0",
		"up: 10.9.0.1 is set on eth0",
	]);
	await b.network("ip", ["addr", "add", "10.9.0.100/24", "dev", "eth0"]);
	t.is((await look())[3], `up: 10.9.0.100 is set on eth0: Virtual IP 10.9.0.100 is also used by ${macs[1]}`);
	// The other end of the cable.
	await b.network("ip", ["link", "set", "eth0", "down"]);
	const pulled = await look();
	t.deepEqual(pulled.slice(0, 2), ["down: the interface eth0 is down", "down: the interface eth0 is down"]);
	t.is(pulled[3], "up: 10.9.0.100 is set on eth0", "the address is not what is wrong");
	await a.network("ip", ["addr", "flush", "dev", "eth0", "scope", "global"]);
	const gone = await look();
	t.is(gone[0], "down: no interface has an address 10.9.0.1");
	t.is(gone[3], "down: the address 10.9.0.100 is not set on this server any more");
});
