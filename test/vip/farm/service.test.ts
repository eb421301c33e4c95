/** What a farm's addresses do when something fails, and with views in any order: without an operating system. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import type { FarmModule, FarmView } from "../../../core/engine/farm/group.ts";
import { makeTestFolder } from "../../folder.ts";
import { four, onAddr, patientMs } from "./farms.ts";
import { local, onMachine } from "./machine.ts";
import { farmOf, viewOf, vipOf, virtual } from "./net.ts";

const [macB, macC] = ["02:00:00:00:00:0b", "02:00:00:00:00:0c"];
/** Longer than it takes until the next look. */
const lookMs = 2500;

function made(t: ExecutionContext, more: Partial<FarmModule> = {}) {
	const folder = makeTestFolder("farm-service");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	const vip = vipOf([virtual(four, "vmac_directed")], [onAddr("tcp")]);
	const record = join(folder, "vip.json");
	const all = onMachine(farmOf("a", more), vip, record);
	t.teardown(() => all.addresses.close());
	all.machine.others.set("10.9.0.2", macB).set("10.9.0.3", macC);
	const soon = async (fits: () => boolean, what: string): Promise<void> => {
		const end = performance.now() + patientMs;
		while (!fits() && performance.now() < end) await sleep(20);
		t.true(fits(), what);
	};
	return { ...all, record, soon };
}

const every = Array.from({ length: 256 }, (_, bucket) => bucket);
const evens = every.filter((bucket) => bucket % 2 === 0);

function all(version: number): FarmView {
	return { ...viewOf(["a", "b", "c"], () => "a"), version };
}

function half(version: number): FarmView {
	return { ...viewOf(["a", "b", "c"], (bucket) => (bucket % 2 === 0 ? "a" : "b")), version };
}

test("views are carried out as they are given, though the clock was put back before a new start", async (t) => {
	const { machine, addresses } = made(t);
	await addresses.set();
	await addresses.share(all(2000));
	t.deepEqual(machine.sets.get("own_0"), every);
	// As the plan of a stop does it.
	await addresses.unset();
	await addresses.share(all(2000));
	addresses.hear(null);
	await addresses.set();
	await addresses.share(half(1000));
	t.deepEqual(machine.sets.get("own_0"), evens);
	// The thread of the heartbeats was started again, without a stop.
	await addresses.share(all(500));
	t.deepEqual(machine.sets.get("own_0"), every);
	await Promise.all([addresses.share(all(400)), addresses.share(half(300))]);
	t.deepEqual(machine.sets.get("own_0"), evens, "the last one of several");
});

test("what the group gave before a stop is void after it", async (t) => {
	const { machine, addresses } = made(t);
	await addresses.set();
	await addresses.unset();
	await addresses.share(all(10));
	addresses.hear(null);
	await addresses.set();
	await sleep(lookMs);
	t.deepEqual(machine.sets.get("own_0") ?? [], []);
});

test("a view that the kernel refused is carried out at the next look", async (t) => {
	const { machine, addresses, said, soon } = made(t);
	await addresses.set();
	machine.refuses = "filter";
	await t.throwsAsync(addresses.share(all(1)), { code: "VIP_SYSTEM" });
	await sleep(2 * lookMs);
	t.is(said.filter((line) => line.startsWith("E ")).length, 1, said.join("\n"));
	machine.refuses = "";
	await soon(() => machine.sets.get("own_0")?.length === 256, "its buckets");
	await soon(() => machine.addressesOn("eth0").includes(four), "and what follows");
});

test("an address that could not be added comes at a later look, and the failure is said once", async (t) => {
	const { machine, addresses, said, soon } = made(t);
	await addresses.set();
	machine.refuses = "add";
	await addresses.share(all(1));
	await sleep(2 * lookMs);
	t.deepEqual(
		said.filter((line) => line.startsWith("E ")),
		["E no add"],
	);
	machine.refuses = "";
	await soon(() => machine.announced.includes(`${four} eth0`), "clients are told");
	t.true(machine.addressesOn("eth0").includes(four));
});

test("a member that is not found is looked for until it is, and its clients' frames then go there", async (t) => {
	const { machine, addresses, said, soon } = made(t);
	machine.others.delete("10.9.0.3");
	await addresses.set();
	await addresses.share(all(1));
	const aboutC = (): string[] => said.filter((line) => / c /.test(line));
	await sleep(200);
	t.deepEqual(aboutC(), [], "it may take a moment");
	await sleep(2 * lookMs);
	t.is(aboutC().length, 1);
	t.regex(aboutC()[0] ?? "", /^W Clients of c .* eth0 are not answered: .* on a lan that <farm> names$/);
	const before = machine.batches.length;
	machine.others.set("10.9.0.3", macC);
	machine.refuses = "filter";
	await soon(() => said.includes("E no filter"), "the kernel refuses it");
	machine.refuses = "";
	await soon(() => machine.batches.length > before, "written");
	const written = machine.batches.at(-1) ?? "";
	t.true(written.includes(`ether daddr set ${macC}`));
	// Others may have taken over during a pause of this machine: a lease that has ended stays so.
	t.notRegex(written, /^(flush set|add element|delete)/m);
	t.deepEqual(aboutC().slice(1), ["I c is found on eth0: its clients are answered"]);
	await sleep(lookMs);
	t.is(machine.batches.length, before + 1, "once");
	machine.flush();
	await soon(() => machine.tables, "a flush is put right as ever");
	t.true(machine.batches.at(-1)?.includes(`ether daddr set ${macC}`));
});

test("views wait for nothing that follows them, and a stop comes after all of it, however long it took", async (t) => {
	const { machine, addresses } = made(t);
	await addresses.set();
	let release = (): void => {};
	const held = new Promise<void>((resolve) => {
		release = resolve;
	});
	machine.meanwhile = () => held;
	await addresses.share(all(1));
	await addresses.share(half(2));
	t.deepEqual(machine.sets.get("own_0"), evens);
	await sleep(2 * lookMs);
	let stopped = false;
	const stop = addresses.unset().then(() => {
		stopped = true;
	});
	await sleep(lookMs);
	t.false(stopped);
	release();
	await stop;
	await sleep(lookMs);
	t.false(machine.addressesOn("eth0").includes(four));
});

test("the interface of a lan whose own address is given by a name is one that pulses leave by", async (t) => {
	const nodes = [{ name: "a", addr: "localhost" }];
	const { machine, addresses } = made(t, { lans: [{ name: "cluster", localAddr: "localhost", nodes }] });
	machine.all.shift();
	machine.all.push(local("lo", 1, []), local("eth1", 3, ["127.0.0.1/8", "::1/128"]));
	await addresses.set();
	t.true(machine.batches[0]?.includes('device "eth1"'));
});

test("what a daemon left that nobody has taken up or away releases nothing", async (t) => {
	const { machine, addresses, record } = made(t);
	writeFileSync(record, JSON.stringify({ addresses: [], links: [], filter: true }));
	await t.throwsAsync(addresses.share(half(1)), { message: /as an earlier daemon left it/ });
	await addresses.unset();
	await addresses.share(half(2));
	await addresses.set();
	await addresses.share(half(3));
	t.deepEqual(machine.sets.get("own_0"), evens);
});
