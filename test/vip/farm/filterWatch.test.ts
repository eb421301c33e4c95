import test from "ava";
import { FilterWatch } from "../../../core/vip/farm/filterWatch.ts";

function watched() {
	const machine = { generation: 1, listed: "rules" as string | null, asked: 0, meanwhile: () => {} };
	const watch = new FilterWatch(
		{
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
