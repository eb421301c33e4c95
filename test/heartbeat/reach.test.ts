import type { NetworkInterfaceInfo } from "node:os";
import test from "ava";
import { Reach } from "../../core/heartbeat/reach.ts";

/** A machine with one cable, in the networks of its virtual addresses. */
function machine() {
	const self = {
		cable: true,
		tentative: false,
		networkInterfaces: (): NodeJS.Dict<NetworkInterfaceInfo[]> => {
			const networks = [{ cidr: "10.9.0.1/24" }, { cidr: "fd09::1/64" }] as NetworkInterfaceInfo[];
			const own = [{ cidr: "fd09::100/128" }] as NetworkInterfaceInfo[];
			return self.cable ? { eth0: networks, sk1v0: own } : {};
		},
		tentativeInterfaces: () => new Set(self.tentative ? ["eth0"] : []),
	};
	return self;
}

test("a node without a cable is cut off from when it was seen", (t) => {
	const self = machine();
	const reach = new Reach(["10.9.0.100"], self);
	t.is(reach.cutForMs(0), 0);
	self.cable = false;
	t.is(reach.cutForMs(200), 0);
	t.is(reach.cutForMs(1000), 800);
	self.cable = true;
	self.tentative = true;
	t.is(reach.cutForMs(1200), 0, "IPv4 needs no more than that");
});

test("over IPv6 it is cut off until it can ask for neighbours again", (t) => {
	const self = machine();
	const reach = new Reach(["10.9.0.100", "fd09::100"], self);
	t.is(reach.cutForMs(0), 0);
	self.cable = false;
	t.is(reach.cutForMs(200), 0);
	self.cable = true;
	self.tentative = true;
	t.is(reach.cutForMs(1200), 1000);
	self.tentative = false;
	t.is(reach.cutForMs(1400), 0);
});

test("a node that starts is cut off until it can ask for IPv6 neighbours at all", (t) => {
	const self = machine();
	self.tentative = true;
	const reach = new Reach(["fd09::100"], self);
	t.is(reach.cutForMs(0), Number.POSITIVE_INFINITY);
	t.is(reach.cutForMs(50), Number.POSITIVE_INFINITY);
	self.tentative = false;
	t.is(reach.cutForMs(200), 0);
	self.cable = false;
	t.is(reach.cutForMs(400), 0);
	t.is(reach.cutForMs(500), 100);
});

test("where no interface is in the network of the addresses nothing can be said", (t) => {
	const reach = new Reach(["192.0.2.1"], machine());
	t.is(reach.cutForMs(0), 0);
	t.is(reach.cutForMs(5000), 0);
});
