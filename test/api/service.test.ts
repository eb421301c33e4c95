/** The web service: it only reads, it is bounded, and it waits for its port. */
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { WebService } from "../../core/api/service.ts";
import { webSettings } from "../../core/api/settings.ts";
import { makeTestFolder } from "../folder.ts";

const address = "127.0.0.1";
const node = { nodeName: async () => "n1", modules: () => [], module: () => undefined };

async function open(t: ExecutionContext, port = 0): Promise<{ web: WebService; told: string[]; url(): string }> {
	const told: string[] = [];
	const report = (message: string): void => void told.push(message);
	const takeTls = (socket: Socket): void => void socket.destroy();
	const web = new WebService({ settings: { port, address, problems: [] }, node, report, takeTls, retryMs: 50 });
	t.teardown(() => web.close());
	return { web, told, url: () => `http://${address}:${web.port}` };
}

async function until(what: () => boolean): Promise<void> {
	for (let waited = 0; !what(); waited++) {
		if (waited > 400) throw new Error(`not within 20 s: ${what}`);
		await sleep(50);
	}
}

test("it reads, and refuses everything else", async (t) => {
	const { web, told, url } = await open(t);
	await until(() => web.port !== null);
	t.deepEqual(await (await fetch(`${url()}/api/v1/modules`)).json(), { node: "n1", modules: [] });
	t.deepEqual(await (await fetch(`${url()}/api/v1.0/modules`)).json(), { node: "n1", modules: [] });
	const unknown = await fetch(`${url()}/api/v1/modules/nothing`);
	t.is(unknown.status, 404);
	t.like(await unknown.json(), { error: { code: "MODULE_NOT_CONFIGURED" } });
	t.is((await fetch(`${url()}/var/modules/nothing/ready.txt`)).status, 404);
	t.like(await (await fetch(`${url()}/etc/passwd`)).json(), { error: { code: "API_PATH" } });
	for (const path of ["/api/v1/modules/..%2f..%2fetc", "/var/modules/%zz/ready.txt", "/../../etc/passwd", "/%00"]) {
		const status = (await fetch(`${url()}${path}`)).status;
		t.true(status === 404 || status === 400, `${path}: ${status}`);
	}
	for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
		const answer = await fetch(`${url()}/api/v1/modules`, { method });
		t.is(answer.status, 405, method);
		t.is(answer.headers.get("allow"), "GET, HEAD");
	}
	t.is((await fetch(`${url()}/api/v1/modules`, { method: "HEAD" })).status, 200);
	t.deepEqual(told, []);
});

test("a request that never ends, or is too large, is ended", async (t) => {
	const { web, url } = await open(t);
	await until(() => web.port !== null);
	const large = await fetch(`${url()}/api/v1/modules?${"x".repeat(20_000)}`);
	t.is(large.status, 431);
	const slow = connect({ host: address, port: web.port as number });
	slow.on("error", () => {}).resume();
	slow.write("GET /api/v1/modules HTTP/1.1\r\nHost: x\r\n");
	const closed = once(slow, "close");
	t.is((await fetch(`${url()}/api/v1/modules`)).status, 200, "the others go on");
	await Promise.race([closed, sleep(45_000, null, { ref: false }).then(() => t.fail("it is still open"))]);
});

test("a port that is taken is told once, and used when it is free", async (t) => {
	const holder = createServer().listen(0, address);
	await once(holder, "listening");
	const { port } = holder.address() as { port: number };
	const { web, told, url } = await open(t, port);
	await until(() => told.length > 0);
	await sleep(200);
	t.is(told.length, 1);
	t.regex(told[0] ?? "", /cannot listen on 127\.0\.0\.1 port \d+ \(EADDRINUSE\)/);
	holder.close();
	await until(() => web.port === port);
	t.is((await fetch(`${url()}/api/v1/modules`)).status, 200);
});

test("where it listens stands in httpd.conf", (t) => {
	const safe = makeTestFolder("web");
	t.deepEqual(webSettings(safe), { port: 9010, address: null, problems: [] });
	mkdirSync(join(safe, "web/conf"), { recursive: true });
	const write = (text: string): void => writeFileSync(join(safe, "web/conf/httpd.conf"), text);
	write("# Define httpport 1\n  Define httpport 9011\r\nDefine usefile\nDefine httpaddress 10.0.0.1\n");
	t.deepEqual(webSettings(safe), { port: 9011, address: "10.0.0.1", problems: [] });
	write("Define httpport 99999\nDefine httpaddress localhost\n");
	t.like(webSettings(safe), { port: 9010, address: null });
	t.is(webSettings(safe).problems.length, 2);
});
