import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import type { AddressSystem, LocalInterface } from "../../core/vip/addresses.ts";
import { Announcer } from "../../core/vip/announcer.ts";

const iface: LocalInterface = {
	name: "eth0",
	index: 2,
	mac: "02:00:00:00:00:01",
	up: true,
	loopback: false,
	addresses: [{ addr: "10.9.0.100", prefix: 24, family: 4, label: "" }],
};

/** Writes down what would be sent, and when. */
function recorder(fail = false): { system: AddressSystem; sent: { addr: string; atMs: number }[] } {
	const sent: { addr: string; atMs: number }[] = [];
	const begin = performance.now();
	const system = {
		interfaces: async () => [iface],
		async announce(_: LocalInterface, addr: string) {
			if (fail) throw new Error("ENETDOWN");
			sent.push({ addr, atMs: performance.now() - begin });
		},
	} as unknown as AddressSystem;
	return { system, sent };
}

const address = { iface: "eth0", addr: "10.9.0.100", prefix: 24 };

test("an address is announced at once and repeated", async (t) => {
	const { system, sent } = recorder();
	const announcer = new Announcer(system, (_, error) => t.fail(String(error)));
	t.teardown(() => announcer.stop());
	await announcer.start([{ ...address, again: null }]);
	t.is(sent.length, 1);
	await sleep(1500);
	t.is(sent.length, 4);
	announcer.stop();
	await sleep(700);
	t.is(sent.length, 4);
});

test("arpreroute goes on for its time, and only for addresses that are there", async (t) => {
	const { system, sent } = recorder();
	const announcer = new Announcer(system, (_, error) => t.fail(String(error)));
	t.teardown(() => announcer.stop());
	await announcer.start([
		{ ...address, again: { everyMs: 50, forMs: 420 } },
		{ ...address, addr: "10.9.0.101", again: null },
	]);
	await sleep(900);
	t.true(sent.length >= 8 && sent.length <= 12, `${sent.length}`);
	t.true(sent.every(({ addr }) => addr === "10.9.0.100"));
	const { length } = sent;
	t.is(sent.filter(({ atMs }) => atMs > 600).length, 0);
	await sleep(300);
	t.true(sent.length <= length + 1);
});

test("an announcement that fails is told, and tried again", async (t) => {
	const { system } = recorder(true);
	let failures = 0;
	const announcer = new Announcer(system, () => failures++);
	t.teardown(() => announcer.stop());
	await announcer.start([{ ...address, again: null }]);
	await sleep(300);
	t.is(failures, 2);
});
