import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { closedFilter, openFilter } from "../../../core/vip/filter/batch.ts";
import type { FilterPlan, Shares } from "../../../core/vip/filter/plan.ts";
import { removalOf } from "../../../core/vip/filter/text.ts";

const parent = { name: "eth0", mac: "02:00:00:00:00:01" };
const link = { name: "sk1v0", parent: "eth0", mac: "5a:fe:0a:09:00:64" };
const invisible = [
	{ addr: "10.9.0.100", parent, link },
	{ addr: "fd09::100", parent, link },
];
const directed = [
	{ addr: "10.9.0.101", parent, link: null },
	{ addr: "fd09::101", parent, link: null },
];

function plan(addresses: FilterPlan["addresses"]): FilterPlan {
	return {
		table: "opensafe_1",
		addresses,
		senders: [{ iface: "eth0", addr: "10.9.0.1" }],
		balancing: {
			port: 4803,
			leaseMs: 800,
			node: "a",
			nodes: ["a", "b", "c"],
			lans: ["eth0", "eth1"],
			groups: [
				{
					name: "web",
					rules: [
						{ virtualAddr: null, port: null, proto: "tcp", filter: "on_addr" },
						{ virtualAddr: null, port: 80, proto: "tcp", filter: "on_port" },
					],
				},
				{
					name: "dns",
					rules: [
						{ virtualAddr: null, port: 53, proto: "udp", filter: "on_ipid" },
						{ virtualAddr: "10.9.0.101", port: null, proto: "arp", filter: "on_addr" },
					],
				},
			],
		},
	};
}

const thirds = Array.from({ length: 256 }, (_, bucket) => ["a", "b", "c"][Math.floor(bucket / 100)] ?? null);
const group = {
	owners: thirds,
	holders: thirds.map((owner, bucket) => new Set([owner ?? "", ...(bucket < 10 ? ["b"] : [])])),
	lost: [3, 4, 9],
};
const shares: Shares = {
	groups: [group, group],
	answers: true,
	macs: new Map([["eth0", new Map([["b", "02:00:00:00:00:02"]])]]),
};

for (const [name, batch] of [
	["closed", closedFilter(plan([...invisible, ...directed]))],
	["invisible", openFilter(plan(invisible), shares)],
	["directed", openFilter(plan(directed), shares)],
	["mirror", closedFilter({ ...plan(invisible), balancing: null })],
] as const) {
	// With UPDATE_GOLDEN=1 the files are written again; `nft -c -f FILE` says whether the kernel takes them.
	test(`the text of the filter: ${name}`, (t) => {
		const file = join(import.meta.dirname, `golden/${name}.nft`);
		if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, batch);
		t.is(batch, readFileSync(file, "utf8"));
	});
}

test("no batch touches a table that is not the module's", (t) => {
	const all = [closedFilter(plan(directed)), openFilter(plan(invisible), shares), removalOf("opensafe_1")].join("");
	const heads = all.split("\n").filter((line) => /^(table|delete|flush|add)\b/.test(line));
	t.true(heads.length > 10);
	t.deepEqual(
		heads.filter(
			(line) => !/^(table|delete table|flush table|flush set|add element) (inet|arp|netdev) opensafe_1\b/.test(line),
		),
		[],
	);
});
