import { rmSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Resources } from "../../core/log/resources.ts";
import { inspect } from "../../core/module/inspect.ts";
import { describeSettings, describeState, forgetResources } from "../../core/node/described.ts";
import type { ModuleRuntime } from "../../core/node/runtime.ts";
import { makeTestFolder } from "../folder.ts";
import { schema } from "../module/place.ts";

const xml = `<safe><service mode="mirror"><heart><heartbeat name="default"/></heart><rfs><replicated dir="/d"/></rfs><user/>
<errd><proc name="app" class="prim" action="restart"/></errd>
<check><tcp ident="web" when="prim" action="restart"><to addr="127.0.0.1" port="80"/></tcp></check></service></safe>`;

function described(t: import("ava").ExecutionContext) {
	const folder = makeTestFolder("described");
	const resources = new Resources(join(folder, "resource.db"));
	t.teardown(() => {
		resources.close();
		rmSync(folder, { recursive: true, force: true });
	});
	const options = { schema, environment: {}, purpose: "config" } as const;
	const { configuration } = inspect(new TextEncoder().encode(xml), "u.xml", "m", 1, options);
	if (configuration === undefined) throw new Error("the test's configuration is wrong");
	const view = () => ({ main: "STOP", status: "NotReady", peer: { state: "UNKNOWN", status: "Unknown" } });
	return { configuration, resources, view } as unknown as ModuleRuntime & { resources: Resources };
}

test("a module shows every internal resource from the beginning", (t) => {
	const module = described(t);
	describeSettings(module, true);
	describeState(module, "fresh", Date.now());
	const { "heart.stopstartloop": since, ...values } = module.resources.values();
	t.true(Math.abs(Number(since) - Date.now() / 1000) < 60);
	t.deepEqual(values, {
		"heartbeat.default": "down",
		"rfs.degraded": "down",
		"rfs.reintegre_failed": "false",
		"rfs.uptodate": "down",
		"state.local": "STOP NotReady",
		"state.remote": "UNKNOWN Unknown",
		"usersetting.boot": "on",
		"usersetting.checker": "on",
		"usersetting.encryption": "on",
		"usersetting.errd": "on",
		"usersetting.failover": "on",
	});
});

test("what an earlier run of the system knew is over; what was switched and what data is worth stay", (t) => {
	const module = described(t);
	const { resources } = module;
	const before = {
		"heartbeat.default": "up",
		"state.remote": "SECOND Ready",
		"rfs.uptodate": "up",
		"usersetting.errd": "off",
	};
	for (const [name, value] of Object.entries(before)) resources.set(name, value, "test");
	describeSettings(module, false);
	describeState(module, "rebooted", Date.now());
	t.like(resources.values(), {
		"heartbeat.default": "down",
		"state.remote": "UNKNOWN Unknown",
		"rfs.uptodate": "up",
		"usersetting.errd": "off",
		"usersetting.boot": "off",
	});
	resources.set("heartbeat.default", "up", "test");
	describeState(module, "resumed", Date.now());
	t.is(resources.get("heartbeat.default")?.value, "up");
});

test("a resource that nobody keeps up to date any more goes; those of scripts stay", (t) => {
	const module = described(t);
	const { resources } = module;
	const kept = ["custom.mine", "heartbeat.default", "proc.app", "rfs.rei_bandwidth", "tcp.web"];
	const gone = [
		"connections.10.0.0.1",
		"heartbeat.old",
		"ip.10.0.0.1",
		"module.other",
		"ping.old",
		"proc.old",
		"tcp.old",
	];
	for (const name of [...kept, ...gone]) resources.set(name, "down", "test");
	forgetResources(module);
	t.deepEqual([...resources.names()].sort(), kept);
	t.is(resources.history("tcp.old", 10).length, 1, "its history stays");
});
