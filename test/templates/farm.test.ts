/** What the scripts of farms do beside those of every template: clients have their answers before a server stops (spec/07). */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { isAlive } from "../scripts/place.ts";
import { type Server, server } from "./server.ts";

/** A process of this name that writes down its signals, and ends by itself a moment after the one that it knows. */
async function program(t: ExecutionContext, node: Server, name: string, ends: string): Promise<ChildProcess> {
	const file = join(node.top, name);
	copyFileSync("/bin/bash", file);
	const script = `trap 'sleep 1; exit 0' ${ends}; echo up; while :; do read -t 0.2 < <(:) || :; done`;
	const child = spawn(file, ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
	t.teardown(() => child.kill("SIGKILL"));
	await new Promise((resolve) => child.stdout?.once("data", resolve));
	node.unit("web.service", "active");
	node.unit("web.service.pid", String(child.pid));
	return child;
}

const web = { SERVICES: "web", GRACE: "60" };

for (const [name, signal] of [
	["nginx", "QUIT"],
	["apache2", "WINCH"],
	["httpd", "WINCH"],
] as const) {
	test(`${name} is asked by ${signal}, and stopped when it has ended by itself`, async (t) => {
		const node = await server(t, "farm");
		const child = await program(t, node, name, signal);
		const run = node.run("stop_both", ["UP", "WAIT", "stop"], web);
		t.is(run.code, 0, run.out);
		t.false(isAlive(child.pid ?? 0));
		t.deepEqual(node.commands(), ["kill web.service", "stop web.service"]);
		t.deepEqual(node.calls(), []);
	});
}

test("who does not end within GRACE seconds is stopped all the same, and that is reported", async (t) => {
	const node = await server(t, "farm");
	const child = await program(t, node, "nginx", "USR2");
	// As nginx with a client that never reads: asked, and still there.
	node.unit("web.service.pid", String(child.pid));
	const stubborn = await program(t, node, "apache2", "USR2");
	const run = node.run("stop_both", ["UP", "WAIT", "stop"], { ...web, GRACE: "1" });
	t.is(run.code, 0, run.out);
	t.true(isAlive(stubborn.pid ?? 0));
	t.deepEqual(node.commands(), ["kill web.service", "stop web.service"]);
	t.deepEqual(node.calls(), ["printe|stop_both: web.service still answers requests after 1 seconds: they are cut off"]);
});

test("no signal without GRACE, to a program of another name, to a service without a process, or by force", async (t) => {
	const node = await server(t, "farm");
	await program(t, node, "nginx", "QUIT");
	for (const GRACE of ["", "0", "x", "-1", "99999"]) {
		node.run("stop_both", ["UP", "WAIT", "stop"], { SERVICES: "web", GRACE });
		t.deepEqual(node.commands(), ["stop web.service"], GRACE);
		node.unit("web.service", "active");
	}
	node.run("stop_both", ["force", "UP", "WAIT", "stop"], { ...web, GRACE: "1" });
	t.deepEqual(node.commands(), []);
	node.unit("web.service.pid", "0");
	node.run("stop_both", ["UP", "WAIT", "stop"], web);
	t.deepEqual(node.commands(), ["stop web.service"]);
	await program(t, node, "postgres", "QUIT");
	node.run("stop_both", ["UP", "WAIT", "stop"], web);
	t.deepEqual(node.commands(), ["stop web.service"]);
});

test("apache_farm: httpd and apache2 stand for the one that the server has", async (t) => {
	for (const [there, named, found] of [
		[["apache2"], "httpd", "apache2"],
		[["httpd"], "apache2", "httpd"],
		[["apache2", "httpd"], "httpd", "httpd"],
		[["httpd", "other"], "other", "other"],
		[["httpd.service"], "apache2.service", "httpd"],
	] as const) {
		const node = await server(t, "apache_farm");
		for (const unit of there) node.unit(`${unit.replace(/\.service$/, "")}.service`, "inactive");
		t.is(node.run("postconfig", [], { SERVICES: named }).code, 0);
		t.is(node.run("start_both", ["WAIT", "UP", "start"], { SERVICES: named }).code, 0);
		t.deepEqual(node.commands(), [`disable ${found}.service`, `start ${found}.service`]);
	}
	const node = await server(t, "apache_farm");
	const run = node.run("postconfig", [], { SERVICES: "apache2" });
	t.is(run.code, 1);
	t.regex(run.out, /there is no service apache2\.service on this server/);
});
