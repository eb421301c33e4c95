import test from "ava";
import { Neighbours } from "../../../core/vip/farm/neighbours.ts";
import type { Planned } from "../../../core/vip/place.ts";
import { local } from "./machine.ts";

/** Nodes a (this one), b and c on one lan; who answers on which interface. */
function asked(nodes: Record<string, string>) {
	const [answers, questions, said] = [new Map<string, string>(), [] as string[], [] as string[]];
	const all = Object.entries(nodes).map(([name, addr]) => ({ name, addr }));
	const farm = {
		node: "a",
		nodes: all.map(({ name }) => name),
		lans: [{ name: "lan", localAddr: nodes.a ?? "", nodes: all }],
	};
	const whoHas = async ({ name }: { name: string }, addr: string): Promise<string | null> => {
		questions.push(`${addr} ${name}`);
		return answers.get(`${addr} ${name}`) ?? null;
	};
	const neighbours = new Neighbours({ whoHas }, farm, (level, text) => said.push(`${level} ${text}`));
	const interfaces = [local("eth0", 2, ["10.9.0.1/24"]), local("eth1", 3, ["127.0.0.1/8", "::1/128"])];
	const directed = (...on: string[]): Planned[] =>
		interfaces.filter(({ name }) => on.includes(name)).map((parent) => ({ parent, link: null }) as Planned);
	const follow = async (members: string[], ...on: string[]): Promise<boolean> => {
		neighbours.hear(members);
		return await neighbours.follow(members, directed(...on), interfaces);
	};
	return { neighbours, answers, questions, said, follow };
}

test("who has answered is not asked again, until it leaves: it may come back with another card", async (t) => {
	const { neighbours, answers, questions, follow } = asked({ a: "10.9.0.1", b: "10.9.0.2", c: "10.9.0.3" });
	answers.set("10.9.0.2 eth0", "02:b1");
	t.false(await follow(["a", "b", "c"], "eth0"));
	answers.set("10.9.0.3 eth0", "02:c1");
	t.true(await follow(["a", "b", "c"], "eth0"));
	t.true(await follow(["a", "b", "c"], "eth0"));
	t.deepEqual(questions, ["10.9.0.2 eth0", "10.9.0.3 eth0", "10.9.0.3 eth0"]);
	t.true(await follow(["a", "c"], "eth0"));
	answers.delete("10.9.0.2 eth0");
	t.false(await follow(["a", "b", "c"], "eth0"), "its port does not forward yet");
	t.is(neighbours.macs.get("eth0")?.get("b"), "02:b1");
	answers.set("10.9.0.2 eth0", "02:b2");
	t.true(await follow(["a", "b", "c"], "eth0"));
	t.is(neighbours.macs.get("eth0")?.get("b"), "02:b2");
});

test("a member without an address in the network of the interface is named once for each interface", async (t) => {
	const { answers, questions, said, follow } = asked({ a: "10.9.0.1", b: "10.9.0.2" });
	answers.set("10.9.0.2 eth0", "02:b1");
	for (let look = 0; look < 4; look++) t.false(await follow(["a", "b"], "eth0", "eth1"));
	t.deepEqual(questions, ["10.9.0.2 eth0"]);
	t.is(said.length, 1);
	t.regex(said[0] ?? "", /^W Clients of b .*eth1 are not answered/);
});

test("nodes that cluster.xml gives by name are asked; a name that does not resolve in time is nobody's", async (t) => {
	const { neighbours, answers, follow } = asked({ a: "10.9.0.1", b: "localhost", c: "nobody.invalid" });
	for (const addr of ["127.0.0.1", "::1"]) answers.set(`${addr} eth1`, "02:b1");
	const begin = performance.now();
	t.false(await follow(["a", "b", "c"], "eth1"));
	t.true(performance.now() - begin < 2000);
	t.deepEqual([...(neighbours.macs.get("eth1") ?? [])], [["b", "02:b1"]]);
});
