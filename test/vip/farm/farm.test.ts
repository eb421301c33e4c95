/** Farms in the real kernel: who answers whom, what happens to connections, and what stays behind: nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { type FarmView, loadOf } from "../../../core/engine/farm/group.ts";
import type { BalancingRule } from "../../../core/module/configuration.ts";
import type { Box } from "../../../sdk/lab/box.ts";
import { boxTest } from "../../platform/two.ts";
import { each, farm, four, onAddr, ownerOf, patientMs, share, six } from "./farms.ts";
import {
	Agent,
	even,
	farmOf,
	farmPort,
	fromAll,
	type Net,
	names,
	net,
	plug,
	port,
	viewOf,
	vipOf,
	virtual,
} from "./net.ts";

async function everybodyIsAnsweredByHisNode(t: ExecutionContext, made: Net, view: FarmView): Promise<void> {
	for (const to of [four, six]) {
		const clients = fromAll(to);
		const expected = clients.map((client) => ownerOf(view, client));
		t.deepEqual(await made.clients.do("tcp", { clients, withinMs: patientMs }), expected);
		const answers = await made.clients.do<string[][]>("udp", { clients, withinMs: patientMs });
		t.deepEqual(answers.map(String), expected, "exactly one answer to each datagram");
		t.true(await made.clients.do("ping", { addr: to, withinMs: patientMs }));
	}
}

/** The clients' machine sends what is for the addresses to this node. */
async function clientsGoTo(made: Net, name: string): Promise<void> {
	const end = performance.now() + patientMs;
	for (const addr of [four, six]) {
		const known = async () => String(await made.boxes.clients?.network("ip", ["neigh", "show", addr]));
		while (!(await known()).includes(made.macs[name] ?? "")) {
			if (performance.now() > end) throw new Error(`${addr} is not at ${name}: ${await known()}`);
			await sleep(50);
		}
	}
}

for (const type of ["vmac_invisible", "vmac_directed"] as const) {
	boxTest(`${type}: every client is answered by exactly one node, and its connections stay there`, async (t) => {
		const made = await farm(t, type);
		const some = [...fromAll(four).slice(0, 8), ...fromAll(six).slice(0, 8)];
		t.deepEqual(
			await made.clients.do("tcp", { clients: some, withinMs: 300 }),
			some.map(() => null),
			"closed until the group says otherwise",
		);
		const view = even(names);
		await share(made, view);
		await everybodyIsAnsweredByHisNode(t, made, view);

		const kept: { id: number; name: string }[] = [];
		for (const client of some) kept.push(await made.clients.do("keep", client));
		// Every bucket moves, and moves back.
		const moved = viewOf(names, (bucket) => names[(bucket + 1) % 3] ?? null);
		for (const next of [moved, even(names)]) {
			await share(made, next);
			await everybodyIsAnsweredByHisNode(t, made, next);
			for (const { id, name } of kept) t.is(await made.clients.do("again", { id, withinMs: patientMs }), name);
		}

		// A node that starts again finds the others answering under the addresses, and takes its part.
		const without = viewOf(names, (bucket) => ["a", "b"][bucket % 2] ?? null);
		await share(made, without);
		await made.agents.c?.do("unset");
		await made.agents.c?.do("set");
		await share(made, without);
		const back = even(names);
		await share(made, back);
		await everybodyIsAnsweredByHisNode(t, made, back);

		await made.agents.c?.do("pulses", { to: null, port: farmPort });
		await sleep(1500);
		const silent = fromAll(four).filter((client) => ownerOf(view, client) === "c");
		t.deepEqual(
			await made.clients.do("tcp", { clients: silent, withinMs: 300 }),
			silent.map(() => null),
			"without pulses the kernel stops answering by itself",
		);
		const left = even(["a", "b"]);
		await each(made, (agent) => agent.do("share", left), ["a", "b"]);
		await sleep(300);
		const clients = fromAll(four);
		const expected = clients.map((client) => ownerOf(left, client));
		t.deepEqual(await made.clients.do("tcp", { clients, withinMs: patientMs }), expected);
	});

	boxTest(
		`${type}: connections stay with their servers when one comes, or comes back, that knows nothing`,
		async (t) => {
			const made = await farm(t, type);
			const others = ["b", "c"];
			const ofOthers = (bucket: number): string | null => others[bucket % 2] ?? null;
			const without = viewOf(others, ofOthers);
			await each(made, (agent) => agent.do("share", without), others);
			const clients = [...fromAll(four), ...fromAll(six)];
			const kept: { id: number; name: string }[] = [];
			for (const client of clients) kept.push(await made.clients.do("keep", client));
			t.deepEqual([...new Set(kept.map(({ name }) => name))].sort(), others);
			const stay = async (): Promise<void> => {
				const asked = kept.map(({ id }) => made.clients.do("again", { id, withinMs: patientMs }));
				t.deepEqual(
					await Promise.all(asked),
					kept.map(({ name }) => name),
				);
			};
			// It is first in the order: clients of vmac_directed are told to go to it.
			await share(made, viewOf(names, ofOthers, others));
			await share(made, even(names));
			if (type === "vmac_directed") await clientsGoTo(made, "a");
			await stay();
			const [a, box] = [made.agents.a, made.boxes.a];
			if (a === undefined || box === undefined) return t.fail();
			await a.kill();
			const next = await Agent.start(box);
			t.teardown(() => next.kill());
			await next.do("pulses", { to: "10.9.0.2", port: farmPort });
			const vip = vipOf([virtual(four, type), virtual(six, type)], [onAddr("tcp"), onAddr("udp")]);
			await next.do("start", { farm: farmOf("a"), vip, record: `${made.folder}/a.json` });
			await next.do("resume");
			await next.do("share", even(names));
			if (type === "vmac_directed") await clientsGoTo(made, "a");
			await stay();
		},
	);

	boxTest(`${type}: a machine is the same before and after, with rules of its own, and after kill -9`, async (t) => {
		const made = await net(t);
		const [box, agent] = [made.boxes.a, made.agents.a];
		if (box === undefined || agent === undefined) return t.fail();
		await box.network("nft", ["-f", "-"], administrators);
		await box.network("ip", ["address", "add", "fd09::aaaa:bbbb/64", "dev", "eth0", "nodad", "mngtmpaddr"]);
		// The kernel gives an interface an address of its own, which it looks at for some time.
		while ((await box.network("ip", ["-6", "address", "show", "tentative"])) !== "") await sleep(50);
		const before = await imageOf(box);
		const start = {
			farm: farmOf("a"),
			vip: vipOf([virtual(four, type), virtual(six, type)], [onAddr("tcp")]),
			record: `${made.folder}/a.json`,
		};
		await agent.do("start", start);
		await agent.do("set");
		await agent.do("share", even(["a"]));
		const during = await imageOf(box);
		t.true(during.some((line) => line.includes("opensafe_1")));
		for (const line of before.filter((each) => each.includes("comment"))) t.true(during.includes(line));
		await agent.do("unset");
		await agent.do("unset");
		t.deepEqual(difference(await imageOf(box), before), []);

		await agent.do("set");
		await agent.do("share", even(["a"]));
		await agent.kill();
		const next = await Agent.start(box);
		t.teardown(() => next.kill());
		await next.do("start", { ...start, vip: vipOf([virtual("10.9.0.51", type)], []) });
		await next.do("unset");
		t.deepEqual(difference(await imageOf(box), before), []);
	});
}

boxTest("a daemon that comes back keeps what is answered, and restores what somebody flushed", async (t) => {
	const made = await net(t);
	const [box, agent] = [made.boxes.a, made.agents.a];
	if (box === undefined || agent === undefined) return t.fail();
	const vip = vipOf([virtual(four, "vmac_invisible")], [onAddr("tcp")]);
	const start = { farm: farmOf("a", { followerLost: 600, leaderLost: 600 }), vip, record: `${made.folder}/a.json` };
	const server = await Agent.start(box);
	t.teardown(() => server.kill());
	await server.do("serve", { name: "a", port, datagrams: [] });
	await agent.do("start", start);
	await agent.do("set");
	await agent.do("share", even(["a"]));
	const clients = fromAll(four).slice(0, 5);
	const all = clients.map(() => "a");
	t.deepEqual(await made.clients.do("tcp", { clients, withinMs: patientMs }), all);
	await agent.kill();
	t.deepEqual(await made.clients.do("tcp", { clients, withinMs: patientMs }), all);
	const next = await Agent.start(box);
	t.teardown(() => next.kill());
	await next.do("start", start);
	await next.do("resume");
	t.deepEqual(await made.clients.do("tcp", { clients, withinMs: patientMs }), all);
	const view = even(["a"]);
	t.is(loadOf(view.groups[0] as FarmView["groups"][0], "a"), 256);
	await next.do("share", view);
	const rules = async (): Promise<string> => await box.network("nft", ["-t", "list", "ruleset"]);
	const whole = await rules();
	for (const harm of [
		"flush ruleset",
		"delete table netdev opensafe_1",
		"flush chain inet opensafe_1 to4",
		"add rule inet opensafe_1 clients drop",
		"add chain inet opensafe_1 other { type filter hook input priority 0 ; policy drop ; }",
		"delete chain inet opensafe_1 answers ; add chain inet opensafe_1 answers { type filter hook postrouting priority 7 ; }",
	]) {
		await sleep(500);
		await box.network("nft", harm.split(" "));
		const end = performance.now() + patientMs;
		while ((await rules()) !== whole && performance.now() < end) await sleep(100);
		t.is(await rules(), whole, harm);
		await sleep(100);
		t.is(String(await next.do("log")).match(/Another program had changed the filter/g)?.length, 1, harm);
		t.deepEqual(await made.clients.do("tcp", { clients, withinMs: patientMs }), all);
	}
});

boxTest("datagrams are spread by client port and by packet; what no rule names is denied", async (t) => {
	const rules: BalancingRule[] = [
		{ virtualAddr: four, port, proto: "udp", filter: "on_ipid" },
		{ virtualAddr: six, port, proto: "udp", filter: "on_port" },
		{ virtualAddr: six, port: null, proto: "tcp", filter: "on_port" },
	];
	const made = await farm(t, "vmac_invisible", rules);
	await share(made, even(names));
	const tally: string[] = [];
	for (const to of [four, six]) {
		const [client] = fromAll(to);
		const clients = Array.from({ length: 40 }, () => client);
		const answers = await made.clients.do<string[][]>("udp", { clients, withinMs: patientMs });
		t.true(
			answers.every((names) => names.length === 1),
			JSON.stringify(answers),
		);
		t.deepEqual([...new Set(answers.flat())].sort(), names);
		tally.push(...answers.flat());
	}
	t.is(tally.length, 80);
	const [[denied], [answered]] = [fromAll(four), fromAll(six)];
	t.deepEqual(await made.clients.do("tcp", { clients: [denied, answered].slice(0, 1), withinMs: 500 }), [null]);
	t.not((await made.clients.do<(string | null)[]>("tcp", { clients: [answered], withinMs: patientMs }))[0], null);
});

for (const type of ["vmac_invisible", "vmac_directed"] as const) {
	boxTest(`${type}: a datagram that comes in pieces is answered once, by its server`, async (t) => {
		const made = await farm(t, type);
		const view = even(names);
		await share(made, view);
		for (const to of [four, six]) {
			const clients = fromAll(to).slice(0, 12);
			const answers = await made.clients.do<string[][]>("udp", { clients, withinMs: patientMs, bytes: 4000 });
			t.deepEqual(
				answers.map(String),
				clients.map((client) => ownerOf(view, client)),
			);
		}
	});
}

boxTest("a server that nobody finds at first, and one whose interface is made anew, are found later", async (t) => {
	const made = await net(t);
	const { a, c } = made.boxes;
	if (a === undefined || c === undefined) return t.fail();
	const vip = vipOf([virtual(four, "vmac_directed")], [onAddr("tcp")]);
	await c.network("nft", ["-f", "-"], unasked);
	await each(made, async (agent, name) => {
		await agent.do("start", { farm: farmOf(name), vip, record: `${made.folder}/${name}.json` });
		await agent.do("set");
		await agent.do("serve", { name, port, datagrams: [] });
		await agent.do("pulses", { to: name === "a" ? "10.9.0.2" : "10.9.0.1", port: farmPort });
	});
	const view = viewOf(names, (bucket) => (bucket % 2 === 0 ? "a" : "c"));
	await share(made, view);
	const clients = fromAll(four).slice(0, 12);
	const expected = clients.map((client) => ownerOf(view, client));
	const answered = async (withinMs: number): Promise<unknown> => await made.clients.do("tcp", { clients, withinMs });
	t.deepEqual(
		await answered(500),
		expected.map((name) => (name === "a" ? "a" : null)),
	);
	await c.network("nft", ["delete", "table", "arp", "test"]);
	t.deepEqual(await answered(patientMs), expected);

	await sleep(500);
	await a.network("ip", ["link", "delete", "eth0"]);
	await plug(made.wire, a, [1], made.macs.a);
	t.deepEqual(await answered(patientMs), expected);
});

boxTest("a rule for arp: each server tells its own clients where the address is", async (t) => {
	const made = await farm(t, "vmac_directed", [onAddr("tcp"), { ...onAddr("tcp"), port: null, proto: "arp" }]);
	const view = even(names);
	await share(made, view);
	const told = new Set<string>();
	for (const to of [four, six]) {
		for (const client of fromAll(to).slice(0, 8)) {
			const owner = ownerOf(view, client) ?? "";
			// Who takes over announces the address to all for some seconds.
			let known = "";
			for (let attempt = 0; attempt < 20 && !known.includes(made.macs[owner] ?? "?"); attempt++) {
				await made.boxes.clients?.network("ip", ["neigh", "flush", "dev", "eth0"]);
				t.deepEqual(await made.clients.do("tcp", { clients: [client], withinMs: patientMs }), [owner]);
				known = String(await made.boxes.clients?.network("ip", ["neigh", "show", to]));
			}
			t.true(known.includes(made.macs[owner] ?? "?"), `${client.from} is told by ${owner}, not: ${known}`);
			told.add(owner);
		}
	}
	t.deepEqual([...told].sort(), names);
});

/** Nobody is told the MAC address of this machine. */
const unasked = `table arp test {
	chain answers { type filter hook output priority 0; arp operation reply drop; }
}`;

/** Rules such as an administrator's, firewalld's and docker's. */
const administrators = `
table inet administrator {
	set friends { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 }; }
	chain input { type filter hook input priority 0; policy accept;
		ip saddr @friends tcp dport 22 accept comment "ssh"
	}
	chain mangle { type filter hook prerouting priority -150; policy accept;
		ip saddr 192.0.2.7 meta mark set 0x7 comment "mark"
	}
}
table ip nat {
	chain DOCKER { }
	chain PREROUTING { type nat hook prerouting priority -100; policy accept;
		fib daddr type local jump DOCKER comment "docker"
	}
}
table arp administrator {
	chain input { type filter hook input priority 0; policy accept; }
}`;

/** All that a module could leave behind: rules, addresses, routes, settings. */
async function imageOf(box: Box): Promise<string[]> {
	const lines = async (program: string, ...args: string[]) => (await box.network(program, args)).split("\n");
	const addresses = JSON.parse(await box.network("ip", ["-j", "addr"])) as {
		ifname: string;
		addr_info: { local: string; prefixlen: number; mngtmpaddr?: boolean }[];
	}[];
	return [
		...(await lines("nft", "list", "ruleset")),
		...addresses.flatMap(({ ifname, addr_info: own }) =>
			own.map(({ local, prefixlen, mngtmpaddr }) => `${ifname} ${local}/${prefixlen} ${mngtmpaddr ?? false}`),
		),
		...(await lines("ip", "route", "show", "table", "all")).map((line) => line.trim()),
		...(await lines("sysctl", "-a", "--pattern", "^net.(ipv4|ipv6).(conf|neigh)|nf_conntrack_tcp_loose")).sort(),
	];
}

/** What is in one image only. */
function difference(one: readonly string[], two: readonly string[]): string[] {
	return [...one.filter((line) => !two.includes(line)), ...two.filter((line) => !one.includes(line))];
}
