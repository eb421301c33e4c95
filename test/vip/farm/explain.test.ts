/** Who answers a client, and by which rule. */
import test from "ava";
import type { FarmModule } from "../../../core/engine/farm/group.ts";
import type { BalancingRule, VipConfiguration, VirtualAddress } from "../../../core/module/configuration.ts";
import { type Asked, explain, hashedOf, reachable, sharesOfAll } from "../../../core/vip/farm/explain.ts";
import { bucketOf } from "../../../core/vip/farm/hash.ts";
import { placesOf } from "../../../core/vip/filter/dispatch.ts";
import type { Balancing } from "../../../core/vip/filter/plan.ts";

const rule = (more: Partial<BalancingRule>): BalancingRule => ({
	virtualAddr: null,
	port: null,
	proto: "tcp",
	filter: "on_addr",
	...more,
});
const vip: VipConfiguration = {
	tcpreset: true,
	scriptControl: false,
	addresses: ["10.0.0.100", "10.0.0.101", "fd00::100"].map((addr) => ({ addr }) as VirtualAddress),
	balancing: [
		{ name: "Web", powers: {}, rules: [rule({ port: 80 }), rule({ port: 443, filter: "on_port" })] },
		{
			name: "Dns",
			powers: { n2: 0 },
			rules: [rule({ port: 53, proto: "udp", filter: "on_ipid" }), rule({ virtualAddr: "10.0.0.101" })],
		},
	],
};
const farm = { nodes: ["n1", "n2"], groups: vip.balancing } as unknown as FarmModule;
const shares = sharesOfAll(farm);
const ask = (more: Partial<Asked>): Asked => ({
	client: "10.0.0.7",
	proto: "tcp",
	port: 80,
	clientPort: null,
	to: "10.0.0.100",
	...more,
});

test("the client's bucket belongs to one server, by the first rule that names the traffic", (t) => {
	const [only, ...more] = explain(vip, shares, ask({}));
	t.deepEqual(more, []);
	const bucket = bucketOf("on_addr", "10.0.0.7", 0) ?? -1;
	t.like(only, { addr: "10.0.0.100", group: "Web", index: 0, bucket, free: false });
	t.is(only?.owner, shares[0]?.owners[bucket]);
	t.like(explain(vip, shares, ask({ port: 22, to: "10.0.0.101" }))[0], { group: "Dns", index: 1, owner: "n1" });
	t.deepEqual(explain(vip, shares, ask({ port: 22 })), [], "no rule names it: it is denied");
	t.deepEqual(
		explain(vip, shares, ask({ port: null, to: null })).map(({ addr, group, index }) => `${addr} ${group}_${index}`),
		["10.0.0.100 Web_0", "10.0.0.100 Web_1", "10.0.0.101 Dns_1"],
		"a rule for all ports of an address leaves nothing to those for every address",
	);
});

test("the rule that wins in the filter is the one that is named: the narrower, wherever it stands", (t) => {
	const rules = [
		rule({}),
		rule({ port: 80 }),
		rule({ port: 80, filter: "on_port" }),
		rule({ virtualAddr: "10.0.0.101" }),
		rule({ virtualAddr: "10.0.0.101", port: 80 }),
	];
	const wide = { ...vip, balancing: [{ name: "All", powers: {}, rules }] };
	const told = (more: Partial<Asked>) =>
		explain(wide, sharesOfAll({ nodes: ["n1"], groups: wide.balancing } as unknown as FarmModule), ask(more)).map(
			({ index }) => index,
		);
	t.deepEqual(told({ port: 80 }), [1]);
	t.deepEqual(told({ port: 22 }), [0]);
	t.deepEqual(told({ port: 80, to: "10.0.0.101" }), [4]);
	t.deepEqual(told({ port: 22, to: "10.0.0.101" }), [3]);
	t.deepEqual(told({ port: null, to: "10.0.0.101" }), [4, 3]);
	// What the filter does with the same rules.
	const addresses = [{ addr: "10.0.0.100", parent: { name: "eth0", mac: "" }, link: null }];
	const placed = placesOf({ groups: wide.balancing } as unknown as Balancing, addresses, 4, ["tcp"], "d");
	t.deepEqual(
		placed.map((each) => rules.indexOf(each.rule as BalancingRule)),
		[1, 2, 0],
	);
});

test("what the address of the client alone does not say", (t) => {
	t.like(explain(vip, shares, ask({ port: 443 }))[0], { bucket: null, owner: null, free: false });
	t.not(explain(vip, shares, ask({ port: 443, clientPort: 50_000 }))[0]?.bucket, null);
	t.like(explain(vip, shares, ask({ port: 53, proto: "udp" }))[0], { group: "Dns", bucket: null });
	// IPv6 packets have no id.
	const six = ask({ client: "fd00::7", to: "fd00::100", port: 53, proto: "udp" });
	t.like(explain(vip, shares, six)[0], { group: "Dns", bucket: null });
	const bucket = bucketOf("on_port", "fd00::7", 50_000);
	t.like(explain(vip, shares, { ...six, clientPort: 50_000 })[0], { group: "Dns", bucket, owner: "n1" });
	t.is(hashedOf(rule({ filter: "on_ipid" }), "fd00::7"), "on_port");
	t.is(hashedOf(rule({ filter: "on_ipid" }), "10.0.0.7"), "on_ipid");
});

test("a bucket on its way is nobody's", (t) => {
	const free = shares.map(({ name }) => ({ name, owners: Array<null>(256).fill(null) }));
	t.like(explain(vip, free, ask({}))[0], { owner: null, free: true });
});

test("a client reaches the addresses of its own family", (t) => {
	t.deepEqual(reachable(vip, ask({ client: "fd00::7", to: null })), ["fd00::100"]);
	t.deepEqual(reachable(vip, ask({ to: null })), ["10.0.0.100", "10.0.0.101"]);
	t.like(explain(vip, shares, ask({ client: "fd00::7", to: null }))[0], { addr: "fd00::100", group: "Web" });
});
