/** Who a server is in a cluster of three, for a farm on all of them and mirrors on two. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "ava";
import type { FarmConfiguration, ModuleConfiguration } from "../../core/module/configuration.ts";
import { pathsFrom } from "../../core/module/paths.ts";
import { ClusterView } from "../../core/node/membership.ts";
import { makeTestFolder } from "../folder.ts";

const node = (name: string, addr: string, more = ""): string => `<node name="${name}" addr="${addr}"${more}/>`;
const clusterXml = `<cluster><lans>
	<lan name="all">${node("n1", "10.0.0.1")}${node("n2", "10.0.0.2")}${node("n3", "10.0.0.3", ' laddr="192.168.0.3"')}</lan>
	<lan name="two">${node("n1", "10.1.0.1")}${node("n2", "10.1.0.2")}</lan>
</lans></cluster>`;

const top = makeTestFolder("membership");
const paths = pathsFrom({ SAFE: join(top, "safe"), SAFEVAR: join(top, "var") });
mkdirSync(dirname(paths.clusterXml), { recursive: true });
writeFileSync(paths.clusterXml, clusterXml);
writeFileSync(paths.clusterKey, Buffer.alloc(32, 7), { mode: 0o600 });
test.after.always(() => rmSync(top, { recursive: true, force: true }));

function farm(...lans: string[]): ModuleConfiguration {
	const of: FarmConfiguration = { port: 4806, pulseMs: 100, leaderLost: 20, followerLost: 10, lans };
	const balancing = [{ name: "G", powers: { n1: 2 }, rules: [] }];
	return {
		module: "web",
		id: 2,
		mode: "farm",
		farm: of,
		heart: null,
		vip: { addresses: [{ addr: "192.168.0.100" }], balancing },
	} as unknown as ModuleConfiguration;
}

test("a farm's server knows all nodes of its lans, and its own address on each", async (t) => {
	const third = await new ClusterView(paths, "n3").farmOf(farm("all", "two"));
	t.deepEqual(third?.nodes, ["n1", "n2", "n3"]);
	t.deepEqual(
		third?.lans.map(({ name, localAddr, nodes }) => [name, localAddr, nodes.length]),
		[["all", "192.168.0.3", 3]],
	);
	t.deepEqual(third?.virtual, ["192.168.0.100"]);
	t.like(third, { module: "web", id: 2, node: "n3", port: 4806, groups: [{ name: "G", powers: { n1: 2 } }] });
	const first = await new ClusterView(paths, "n1").farmOf(farm("all", "two"));
	t.deepEqual(
		first?.lans.map(({ name }) => name),
		["all", "two"],
	);
	t.is(first?.key, third?.key);
	t.deepEqual((await new ClusterView(paths, "n2").farmOf(farm("two")))?.nodes, ["n1", "n2"]);
	t.deepEqual(await new ClusterView(paths, "n3").membershipOf(farm("all")), { node: "n3", peer: null });
});

test("a server that is on none of a farm's lans cannot have the module", async (t) => {
	const view = new ClusterView(paths, "n3");
	await t.throwsAsync(view.farmOf(farm("two")), { message: /n3 on none of the lans of module 'web' \(two\)/ });
});

test("a mirror on two servers of three has its peer by its lan, and is no farm", async (t) => {
	const heart = { port: 8888, heartbeats: [{ ident: "two", lan: "two", pulseMs: 700, timeoutMs: 30_000 }] };
	const mirror = { module: "db", id: 1, mode: "mirror", farm: null, heart } as unknown as ModuleConfiguration;
	const view = new ClusterView(paths, "n1");
	t.deepEqual(await view.membershipOf(mirror), { node: "n1", peer: "n2" });
	t.is(await view.farmOf(mirror), null);
	t.is((await view.heartbeatOf(mirror))?.paths[0]?.peerAddr, "10.1.0.2");
	t.is(await view.heartbeatOf(farm("all")), null);
	t.not((await view.heartbeatOf(mirror))?.key, (await view.farmOf({ ...farm("all"), module: "db" }))?.key);
});
