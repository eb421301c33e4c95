/** What the scripts of the mirror template do (spec/03 §8, spec/09 §4 and §8). The other templates share them. */
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { type Server, server } from "./server.ts";

const services = { SERVICES: "first, second.service" };

async function twoServices(t: ExecutionContext, state: string): Promise<Server> {
	const made = await server(t, "mirror");
	made.unit("first.service", state);
	made.unit("second.service", state);
	return made;
}

test("start_prim starts in the order of the list, stop_prim stops in the reverse order", async (t) => {
	const node = await twoServices(t, "inactive");
	t.is(node.run("start_prim", ["WAIT", "ALONE", "start"], services).code, 0);
	t.deepEqual(node.commands(), ["start first.service", "start second.service"]);
	t.is(node.run("stop_prim", ["ALONE", "WAIT", "stop"], services).code, 0);
	t.deepEqual(node.commands(), ["stop second.service", "stop first.service"]);
	t.deepEqual(node.calls(), []);
});

test("what runs already is not started, what is stopped is not stopped", async (t) => {
	const node = await twoServices(t, "active");
	t.is(node.run("start_prim", ["WAIT", "ALONE", "start"], services).code, 0);
	node.unit("first.service", "failed");
	node.unit("second.service", "inactive");
	t.is(node.run("stop_prim", ["ALONE", "WAIT", "stop"], services).code, 0);
	t.deepEqual([node.commands(), node.calls()], [[], []]);
});

test("the list: arguments after -Services, then the variable, then safeconf.xml; empty ones are dropped", async (t) => {
	const node = await twoServices(t, "inactive");
	node.unit("with blank.service", "inactive");
	node.safeconf({ SERVICES: "first" });
	node.run("start_prim", ["ALONE", "ALONE", "restart", "-Services", " second , ,with blank"], services);
	t.deepEqual(node.commands(), ["start second.service", "start with blank.service"]);
	node.run("stop_prim", ["ALONE", "ALONE", "restart", "-Services", "second,", "with", "blank"], services);
	t.deepEqual(node.commands(), ["stop with blank.service", "stop second.service"], "all that follows is the list");
	node.run("start_prim", ["WAIT", "ALONE", "start"], { SERVICES: "second" });
	t.deepEqual(node.commands(), ["start second.service"]);
	node.run("start_prim", ["WAIT", "ALONE", "start"]);
	t.deepEqual(node.commands(), ["start first.service"]);
});

test("without services every script succeeds and does nothing", async (t) => {
	const node = await server(t, "mirror");
	for (const safeconf of [{ SERVICES: "" }, {}] as Record<string, string>[]) {
		node.safeconf(safeconf);
		for (const script of ["postconfig", "prestart", "start_prim", "stop_prim"]) t.is(node.run(script).code, 0, script);
	}
	t.deepEqual([node.commands(), node.calls()], [[], []]);
});

test("a service that does not start stops the module, in the name of the script, and the rest is not started", async (t) => {
	const node = await twoServices(t, "inactive");
	node.unit("first.service.start", "fail");
	const run = node.run("start_prim", ["WAIT", "ALONE", "start"], services);
	t.is(run.code, 1);
	t.deepEqual(node.commands(), ["start first.service"]);
	const [message, order, ...more] = node.calls();
	t.regex(
		message ?? "",
		/^printe\|start_prim: service first\.service does not start: it is inactive .*; the module stops$/,
	);
	t.deepEqual([order, more], ["stop|-i|start_prim", []]);
	t.true(run.out.includes("Job for first.service failed."), "what systemctl says is in the user log");
});

test("a service that fails right after its start stops the module; one that takes its time does not", async (t) => {
	const node = await twoServices(t, "inactive");
	node.unit("first.service.start", "activating\nactivating\nactive");
	node.unit("second.service.start", "activating\nfailed");
	t.is(node.run("start_prim", ["WAIT", "ALONE", "start"], services).code, 1);
	t.deepEqual(node.commands(), ["start first.service", "start second.service"]);
	t.regex(node.calls().join(), /second\.service does not start: it is failed/);
});

test("a service that is still starting after ten seconds counts as started", async (t) => {
	const node = await twoServices(t, "inactive");
	node.unit("first.service.start", "activating");
	const before = Date.now();
	t.is(node.run("start_prim", ["WAIT", "ALONE", "start"], { SERVICES: "first" }).code, 0);
	t.true(Date.now() - before >= 9_500);
	t.deepEqual(node.calls(), []);
});

test("a service that does not stop is reported, the others are stopped, the module goes on", async (t) => {
	const node = await twoServices(t, "active");
	node.unit("second.service.stop", "fail");
	t.is(node.run("stop_prim", ["PRIM", "WAIT", "stop"], services).code, 1);
	t.deepEqual(node.commands(), ["stop second.service", "stop first.service"]);
	t.deepEqual(node.calls(), ["printe|stop_prim: service second.service is not stopped: it is active"]);
});

test("force stops nothing: it looks, waits for what is stopping, and reports", async (t) => {
	const node = await twoServices(t, "active");
	node.unit("second.service", "deactivating\ndeactivating\ninactive");
	t.is(node.run("stop_prim", ["force", "PRIM", "WAIT", "stop"], services).code, 1);
	t.deepEqual(node.commands(), []);
	t.deepEqual(node.calls(), ["printe|stop_prim: service first.service is not stopped: it is active"]);
});

test("prestart runs every stop script gracefully, then every one with force alone, and skips what is not executable", async (t) => {
	const node = await twoServices(t, "active");
	for (const script of ["stop_second", "stop_both"]) {
		writeFileSync(join(node.bin, script), `#!/bin/sh\necho "${script}($*)"\nexit 1\n`, { mode: 0o755 });
	}
	const run = node.run("prestart", ["STOP", "WAIT", "start"], services);
	t.is(run.code, 0);
	t.deepEqual(
		run.out.split("\n").filter((line) => /^stop_/.test(line)),
		["stop_second()", "stop_prim ", "stop_both()", "stop_second(force)", "stop_prim force", "stop_both(force)"],
	);
	t.deepEqual([node.state("first.service"), node.state("second.service")], ["inactive", "inactive"]);
	chmodSync(join(node.bin, "stop_second"), 0o644);
	rmSync(join(node.bin, "stop_both"));
	t.false(node.run("prestart", [], services).out.includes("stop_second"));
	t.deepEqual(node.calls(), []);
});

test("prestart stops the module when a service cannot be stopped", async (t) => {
	const node = await twoServices(t, "active");
	node.unit("first.service.stop", "fail");
	t.is(node.run("prestart", ["STOP", "WAIT", "start"], services).code, 1);
	const calls = node.calls();
	t.is(calls.at(-1), "stop|-i|prestart");
	t.regex(calls.at(-2) ?? "", /^printe\|prestart: service first\.service must be stopped before the module starts/);
});

test("postconfig refuses an unknown service before it changes anything, and says so to the person", async (t) => {
	const node = await twoServices(t, "active");
	for (const name of ["irst", "first.servic", "f*", "second.service.service", "fir"]) {
		const run = node.run("postconfig", [], { SERVICES: `first, ${name}` });
		t.is(run.code, 1, name);
		t.regex(run.out, /^Error: there is no service .* on this server\./);
	}
	t.deepEqual(node.commands(), []);
});

test("postconfig takes the start at boot away from the services, also without variables in its environment", async (t) => {
	const node = await twoServices(t, "active");
	node.unit("db@.service", "");
	node.safeconf({ SERVICES: "first, second.service, db@main" });
	const run = node.run("postconfig");
	t.deepEqual([run.code, run.out], [0, ""]);
	t.deepEqual(node.commands(), ["disable first.service", "disable second.service", "disable db@main.service"]);
	t.is(node.state("first.service"), "active", "nothing is stopped");
});
