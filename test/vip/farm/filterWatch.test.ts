import test from "ava";
import { FilterWatch } from "../../../core/vip/farm/filterWatch.ts";
import { local } from "./machine.ts";

function watched() {
	const machine = {
		generation: 1,
		listed: "rules" as string | null,
		asked: 0,
		meanwhile: () => {},
		/** Index by name. */
		interfaces: { eth0: 2, sk1v0: 7, eth1: 3, docker0: 9 } as Record<string, number>,
	};
	const watch = new FilterWatch(
		{
			interfaces: async () => Object.entries(machine.interfaces).map(([name, index]) => local(name, index, [])),
			filterGeneration: async () => machine.generation,
			fillSets: async () => {
				machine.meanwhile();
				machine.generation++;
			},
			listTables: async () => {
				machine.asked++;
				const { listed } = machine;
				machine.meanwhile();
				return listed;
			},
		},
		"opensafe_1",
	);
	return { machine, watch };
}

test("nft is asked only after something on the machine has changed", async (t) => {
	const { machine, watch } = watched();
	for (let look = 0; look < 3; look++) t.true(await watch.isWhole());
	t.is(machine.asked, 1);
	machine.generation = 2;
	for (let look = 0; look < 3; look++) t.true(await watch.isWhole(), "somebody else's rules");
	t.is(machine.asked, 2);
	machine.generation = 3;
	machine.listed = "other rules";
	t.false(await watch.isWhole());
	t.false(await watch.isWhole(), "until it is written again");
	watch.written();
	t.true(await watch.isWhole());
	machine.generation = 4;
	machine.listed = null;
	t.false(await watch.isWhole());
});

test("what the node itself fills needs no look; what somebody else changes meanwhile does", async (t) => {
	const { machine, watch } = watched();
	t.true(await watch.isWhole());
	for (let fill = 0; fill < 3; fill++) await watch.fill([]);
	t.true(await watch.isWhole());
	t.is(machine.asked, 1);
	machine.meanwhile = () => {
		machine.generation++;
		machine.listed = "other rules";
	};
	await watch.fill([]);
	machine.meanwhile = () => {};
	await watch.fill([]);
	t.false(await watch.isWhole());
});

test("what was listed before it was written anew says nothing", async (t) => {
	const { machine, watch } = watched();
	t.true(await watch.isWhole());
	machine.generation = 2;
	machine.listed = "half of the rules";
	machine.meanwhile = () => watch.written();
	t.true(await watch.isWhole());
	machine.meanwhile = () => {};
	machine.listed = "new rules";
	t.true(await watch.isWhole());
	machine.generation = 3;
	machine.listed = "rules";
	t.false(await watch.isWhole());
});

test("where an interface was made anew the filter is to be written again, though the kernel counts no change", async (t) => {
	const { machine, watch } = watched();
	const link = { name: "sk1v0", parent: "eth0", mac: "5a:fe:0a:09:00:32" };
	const balancing = { port: 1, leaseMs: 1, node: "a", nodes: ["a"], lans: ["eth1"], groups: [] };
	t.true(await watch.isWhole(), "what an earlier daemon left");
	watch.watch({ addresses: [{ addr: "10.9.0.50", parent: { name: "eth0", mac: "" }, link }], balancing });
	for (let look = 0; look < 3; look++) t.true(await watch.isWhole());
	t.is(machine.asked, 2);
	machine.interfaces = { ...machine.interfaces, docker0: 10, veth1: 11 };
	t.true(await watch.isWhole(), "others' interfaces");
	t.is(machine.asked, 2);
	for (const [count, name] of ["eth0", "sk1v0", "eth1"].entries()) {
		const { [name]: before, ...without } = machine.interfaces;
		machine.interfaces = without;
		t.true(await watch.isWhole(), `nothing can be written for ${name} now`);
		machine.interfaces = { ...without, [name]: (before ?? 0) + 20 };
		for (let look = 0; look < 2; look++) t.false(await watch.isWhole(), name);
		t.is(machine.asked, 2 + count);
		watch.written();
		for (let look = 0; look < 2; look++) t.true(await watch.isWhole(), "written");
		t.is(machine.asked, 3 + count);
	}
});
