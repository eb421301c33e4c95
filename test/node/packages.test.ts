/** Packages on a real server, by its commands: what they ask for, who signed them, and what is refused. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { packModule } from "../../core/module/pack/pack.ts";
import { newKey } from "../../core/module/signing/keys.ts";
import { signFile } from "../../core/module/signing/sign.ts";
import { clusterXml, Server, writeModule } from "./server.ts";

const service = '<service mode="light"><user/></service>';

test("more permissions need --yes, and a server may accept signed packages only", async (t) => {
	const n1 = new Server(t, "n1");
	n1.setup("setup");
	await n1.start();
	writeFileSync(join(n1.folder, "cluster.xml"), clusterXml);
	n1.ok("cluster", "config", join(n1.folder, "cluster.xml"));
	mkdirSync(join(n1.folder, "work"));
	const at = (name: string): string => join(n1.folder, "work", name);
	const folder = writeModule(at("web"), service, { start_both: ":", stop_both: ":" });
	const version = async (text: string, net: string[] = []): Promise<string> => {
		writeFileSync(
			join(folder, "module.json"),
			JSON.stringify({ name: "web", version: text, plugin: "light", permissions: { net } }),
		);
		return (await packModule(folder, at(`web-${text}.safe`), folder)).file;
	};
	const old = await version("1.0.0");
	const more = await version("1.1.0", ["10.0.0.0/8:443"]);
	const next = await version("1.2.0", ["10.0.0.0/8:443"]);
	const installed = (): string => JSON.parse(readFileSync(join(n1.safe, "modules/web/module.json"), "utf8")).version;
	t.regex(
		n1.ok("module", "install", "-m", "web", old),
		/^Module web \(id 1\) is installed from .*web-1\.0\.0\.safe\n$/,
	);
	n1.ok("config", "-m", "web");
	n1.ok("start", "-m", "web");
	n1.ok("waitstate", "-m", "web", "UP");

	const asked = n1.run("module", "install", "-m", "web", "-r", more);
	t.is(asked.code, 4);
	t.regex(
		asked.err,
		/asks for more than the one it replaces: may connect to every host in 10\.0\.0\.0\/8:443\n.*--yes/,
	);
	t.is(n1.run("module", "install", "-m", "web", "-r", "--dry-run", more).code, 4);
	t.is(installed(), "1.0.0");
	t.regex(n1.ok("module", "install", "-m", "web", "-r", "--yes", more), /\n {2}may connect to every host in/);
	t.is(installed(), "1.1.0");
	t.regex(n1.ok("config", "-m", "web"), /is configured/, "the module runs on");
	t.is(n1.state("web"), "UP Ready");

	await newKey(at("me.key"));
	const accepted = n1.run("module", "trust", "--signed-only", "on");
	t.is(accepted.code, 4, "no key is trusted yet");
	n1.ok("module", "trust", "--add", at("me.key.pub"), "--as", "partner");
	n1.ok("module", "trust", "--signed-only", "on");
	const policy = JSON.parse(n1.ok("module", "trust", "--json"));
	t.like(policy, { signedOnly: true, damaged: [] });
	t.is(policy.keys[0].name, "partner");
	const refused = n1.run("module", "install", "-m", "web", "-r", next, "--json");
	t.is(refused.code, 4);
	t.is(JSON.parse(refused.out).error.code, "PACKAGE_UNSIGNED");
	await signFile(next, next, at("me.key"));
	t.regex(n1.ok("module", "verify", next), /as it was signed by partner, whom this server trusts/);
	t.regex(n1.ok("module", "install", "-m", "web", "-r", next), /signed by partner/);
	t.is(installed(), "1.2.0");
	await signFile(more, more, at("me.key"));
	const older = n1.run("module", "install", "-m", "web", "-r", more);
	t.is(older.code, 4);
	t.regex(older.err, /it is older than what it replaces: 1\.2\.0 → 1\.1\.0/);
	const bytes = readFileSync(next);
	bytes[40] = (bytes[40] ?? 0) ^ 1;
	writeFileSync(at("evil.safe"), bytes);
	t.is(n1.run("module", "install", "-m", "web", "-r", "--yes", at("evil.safe")).code, 3);
	t.is(installed(), "1.2.0");
	// What this server had applied comes back without a signature.
	n1.ok("config", "-m", "web");
	n1.ok("config", "-m", "web", "--restore", "2");
	t.is(installed(), "1.1.0");
	n1.ok("stop", "-m", "web");
	n1.ok("waitstop", "-m", "web");
	await n1.kill("SIGTERM");
});
