/** The example of a plugin, as its README tells to use it: copied to `$SAFE/plugins`, packed, installed, run. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { checkPackage } from "../../core/module/check.ts";
import { packModule } from "../../core/module/pack/pack.ts";
import { adviceOf } from "../../core/node/plugins/advice.ts";
import { loadPlugins, schemaOf } from "../../core/node/plugins/load.ts";
import { makeTestFolder } from "../folder.ts";
import { addresses, clusterXml, installSource, Server, writeModule } from "../node/server.ts";

const example = join(import.meta.dirname, "../../sdk/examples/plugin-redis");
const [host] = addresses;

/** What of Redis the checker needs; `password` null: no login is wanted. */
async function fakeRedis(t: ExecutionContext, password: string | null): Promise<{ port: number; server: NetServer }> {
	const open = new Set<Socket>();
	const server = createServer((socket) => {
		let isIn = password === null;
		open.add(socket);
		socket.setEncoding("utf8").on("error", () => undefined);
		socket.on("data", (text) => {
			if (String(text).includes("AUTH")) isIn = String(text).includes(`\r\n${password}\r\n`);
			if (String(text).includes("AUTH")) socket.write(isIn ? "+OK\r\n" : "-WRONGPASS invalid password\r\n");
			socket.write(isIn ? "+PONG\r\n" : "-NOAUTH Authentication required.\r\n");
		});
	});
	await new Promise<void>((resolve) => server.listen(0, host, resolve));
	t.teardown(() => {
		server.close();
		for (const socket of open) socket.destroy();
	});
	return { port: (server.address() as { port: number }).port, server };
}

function safeWithExample(t: ExecutionContext): string {
	const safe = makeTestFolder("example");
	t.teardown(() => rmSync(safe, { recursive: true, force: true }));
	cpSync(example, join(safe, "plugins/redis"), { recursive: true });
	return safe;
}

test.serial("it loads from $SAFE/plugins, and its checker asks Redis", async (t) => {
	const { loaded, failures } = await loadPlugins(safeWithExample(t), { loadMs: 60_000 });
	t.deepEqual(failures, []);
	const plugin = loaded.at(-1);
	t.like(plugin, { name: "redis", version: "1.0.0", own: false, advice: 1, modes: [] });
	t.teardown(() => plugin?.host?.stop());
	const ask = async (port: number, access?: { user: string; password: string }) =>
		plugin?.host?.test(
			"redis",
			{ module: "m", values: { addr: host, port }, elements: access === undefined ? {} : { redis_access: [access] } },
			AbortSignal.timeout(20_000),
		);
	const open = await fakeRedis(t, null);
	t.deepEqual(await ask(open.port), { up: true, why: "Redis answers PONG" });
	const closed = await fakeRedis(t, "secret");
	t.like(await ask(closed.port), { up: false, why: "Redis answers NOAUTH Authentication required." });
	t.like(await ask(closed.port, { user: "default", password: "no" }), { up: false });
	t.like(await ask(closed.port, { user: "default", password: "secret" }), { up: true });
	closed.server.close();
	t.regex((await ask(1))?.why ?? "", /ECONNREFUSED/);
});

test.serial("its template passes the check, and its advice tells what is missing", async (t) => {
	const safe = safeWithExample(t);
	const { loaded } = await loadPlugins(safe, { loadMs: 60_000 });
	t.teardown(() => Promise.all(loaded.map((plugin) => plugin.host?.stop())));
	const [template] = loaded.at(-1)?.catalogue ?? [];
	const folder = template?.folder ?? "";
	const options = { plugins: loaded.map(({ name }) => name), pluginAdvice: adviceOf(loaded) };
	const report = await checkPackage(folder, schemaOf(loaded), {}, options);
	t.true(report.ok);
	t.deepEqual(
		report.problems.filter(({ code }) => code !== "CONFIG_BLANK"),
		[],
	);
	const packed = await packModule(folder, join(safe, "redis.safe"), safe);
	t.like(packed, { name: "redis", version: "1.0.0" });
	t.true((await checkPackage(packed.file, schemaOf(loaded), {}, options)).ok);
	const xml = readFileSync(join(folder, "conf/userconfig.xml"), "utf8");
	writeFileSync(join(folder, "conf/userconfig.xml"), xml.replace(/<redis .*<\/redis>/, ""));
	const advised = await checkPackage(folder, schemaOf(loaded), {}, options);
	const [advice] = advised.problems.filter(({ code }) => code === "PLUGIN_ADVICE");
	t.is(advice?.severity, "warning");
	t.regex(advice?.message ?? "", /nothing asks whether Redis answers \(plugin redis\)/);
	t.is(advice?.line, xml.split("\n").findIndex((line) => line.includes("<replicated")) + 1);
});

test.serial(
	"a module with its checker runs on a real server: the resource follows Redis, and plugin list tells",
	async (t) => {
		const n1 = new Server(t, "n1");
		t.is(n1.setup("setup").code, 0);
		mkdirSync(join(n1.safe, "plugins"), { recursive: true });
		cpSync(example, join(n1.safe, "plugins/redis"), { recursive: true });
		mkdirSync(join(n1.safe, "plugins/broken"));
		writeFileSync(join(n1.safe, "plugins/broken/index.ts"), "while (;");
		await n1.start();
		writeFileSync(join(n1.folder, "cluster.xml"), clusterXml);
		n1.ok("cluster", "config", join(n1.folder, "cluster.xml"));
		const listed = JSON.parse(n1.ok("plugin", "list", "--json"));
		t.deepEqual(
			listed.plugins.map(({ name }: { name: string }) => name),
			["farm", "light", "mirror", "redis"],
		);
		t.like(listed.plugins[3], { own: false, elements: ["redis_access"], checkers: ["redis"], advice: 1 });
		t.like(listed.failures[0], { folder: join(n1.safe, "plugins/broken"), code: "NODE_PLUGIN" });
		t.regex(n1.ok("plugin", "list"), /redis\s+1\.0\.0\s+element redis_access; checker redis; advice; template redis/);

		const { port, server } = await fakeRedis(t, "secret");
		const service = (password: string) => `<service mode="light"><user/><redis_access password="${password}"/>
		<check><redis ident="db" when="both" action="noaction"><to addr="${host}" port="${port}" interval="1" timeout="5"/></redis></check>
	</service>`;
		installSource(n1, "m", writeModule(join(n1.folder, "m"), service("secret"), { start_both: ":", stop_both: ":" }));
		const folder = join(n1.safe, "modules/m");
		n1.ok("config", "-m", "m");
		n1.ok("start", "-m", "m");
		const value = (): string => n1.run("get", "-m", "m", "-r", "redis.db").out.trim();
		await n1.until(() => value().startsWith("up"));
		// A new password counts while the module runs: it is dyn.
		writeModule(folder, service("wrong"), {});
		n1.ok("config", "-m", "m");
		await n1.until(() => value().startsWith("down"));
		t.regex(n1.ok("log", "-m", "m", "-A"), /redis\.db: Redis answers WRONGPASS invalid password/);
		writeModule(folder, service("secret"), {});
		n1.ok("config", "-m", "m");
		await n1.until(() => value().startsWith("up"));
		server.close();
		n1.ok("stop", "-m", "m");
		n1.ok("waitstop", "-m", "m");
		await n1.kill("SIGTERM");
	},
);
