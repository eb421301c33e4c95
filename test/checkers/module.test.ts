/** The module checker on real web services: what it takes for up, and for a restart. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Verdict } from "../../core/checkers/probe.ts";
import { moduleProbe } from "../../core/checkers/probes/module.ts";
import { makeTestFolder } from "../folder.ts";

async function ask(t: ExecutionContext, server: Server, secure = false, withinMs = 5000): Promise<Verdict> {
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.teardown(() => {
		server.close();
		server.closeAllConnections();
	});
	const { port } = server.address() as AddressInfo;
	const probe = moduleProbe({ name: "other", addr: "127.0.0.1", port, secure });
	return await probe(AbortSignal.timeout(withinMs)).catch((error: Error) => ({ up: false, why: error.message }));
}

const says = (body: unknown, status = 200): RequestListener => {
	return (request, response) => {
		response.statusCode = request.url === "/api/v1/modules/other" ? status : 500;
		response.end(JSON.stringify(body));
	};
};
const state = (main: string, status: string) => ({
	node: "n1",
	state: main,
	status,
	startedAt: "2026-01-01T00:00:00Z",
});

test("up is where the application of the other module runs", async (t) => {
	for (const main of ["PRIM", "ALONE", "UP"]) {
		const verdict = await ask(t, createServer(says(state(main, "Ready"))));
		t.deepEqual(verdict, { up: true, why: `other is ${main} Ready on n1`, run: "n1 2026-01-01T00:00:00Z" });
	}
	for (const [main, status] of [
		["ALONE", "Transient"],
		["SECOND", "Ready"],
		["WAIT", "NotReady"],
		["STOP", "NotReady"],
	] as const) {
		t.deepEqual(await ask(t, createServer(says(state(main, status)))), {
			up: false,
			why: `other is ${main} ${status} on n1`,
		});
	}
});

test("everything else is down, and ends", async (t) => {
	t.is((await ask(t, createServer(says({}, 404)))).why, "127.0.0.1 has no module other");
	t.is((await ask(t, createServer(says({}, 503)))).why, "127.0.0.1 answered 503");
	t.is((await ask(t, createServer(says([1])))).why, "the answer is none of a web service of this product");
	t.is((await ask(t, createServer(says("x".repeat(100_000))))).why, "the answer is too long");
	t.false(
		(
			await ask(
				t,
				createServer(() => {}),
				false,
				300,
			)
		).up,
	);
});

test("secure: over TLS, with a certificate of its own", async (t) => {
	const folder = makeTestFolder("tls");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	const [key, cert] = [join(folder, "key"), join(folder, "cert")];
	const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", cert];
	execFileSync("openssl", words, { stdio: "ignore" });
	const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, says(state("PRIM", "Ready")));
	t.true((await ask(t, server as unknown as Server, true)).up);
});
