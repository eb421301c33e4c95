/** A light module with checkers in TypeScript on a real daemon: what they find out counts, and nothing of them stays. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import test from "ava";
import { addresses, clusterXml, installSource, Server, writeModule } from "./server.ts";

const [host] = addresses;

const service = (port: number) => `<service mode="light">
	<user/>
	<check>
		<custom ident="health" when="both" exec="checks/health.ts" arg="${host}:${port}" action="restart"/>
		<custom ident="curious" when="both" exec="checks/curious.ts"/>
		<custom ident="bad" when="both" exec="checks/bad.ts"/>
	</check>
	<failover period="200ms" handle_time="400ms"/>
</service>`;

const files = {
	"health.ts": `import { checker, down, up } from "opensafe";
import { wanted } from "./lib/wanted.ts";
export default checker({ every: "1s", timeout: "60s" }, async (ctx) => {
	const answer = await ctx.http.get(\`http://\${ctx.args[0]}/health\`);
	return answer.status === wanted ? up() : down(\`HTTP \${answer.status}\`);
});
`,
	"lib/wanted.ts": "export const wanted: number = 200;\n",
	"curious.ts": `import { checker, up } from "opensafe";
export default checker({}, async (ctx) => up(await ctx.readFile("/etc/passwd")));
`,
	"bad.ts": `import { readFileSync } from "node:fs";
export default readFileSync;
`,
};

/** Processes of the sandbox of this server. */
function sandboxes(server: Server): number[] {
	return readdirSync("/proc").flatMap((entry) => {
		try {
			const found =
				/^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cmdline`, "utf8").includes(`${server.safevar}/run/sandbox`);
			return found ? [Number(entry)] : [];
		} catch {
			return [];
		}
	});
}

test.serial(
	"what a TypeScript checker says restarts the application, and a sandbox that dies disturbs nobody",
	async (t) => {
		let status = 200;
		const web = createServer((_, response) => response.writeHead(status).end());
		await new Promise<void>((resolve) => web.listen(0, host, resolve));
		t.teardown(() => void web.close());
		const { port } = web.address() as AddressInfo;
		const server = new Server(t, "n1");
		server.setup("setup");
		await server.start();
		writeFileSync(join(server.folder, "cluster.xml"), clusterXml);
		server.ok("cluster", "config", join(server.folder, "cluster.xml"));
		const source = writeModule(join(server.folder, "m"), service(port), {
			start_both: 'echo start >> "$SAFEVAR/starts"',
		});
		for (const [name, text] of Object.entries(files)) {
			const path = join(source, "bin/checks", name);
			mkdirSync(dirname(path), { recursive: true });
			writeFileSync(path, text);
		}
		const permissions = { net: [`${host}:${port}`] };
		writeFileSync(join(source, "module.json"), JSON.stringify({ name: "m", version: "1.0.0", permissions }));
		installSource(server, "m", source);
		server.ok("config", "-m", "m");
		const value = (name: string): string => server.ok("get", "-m", "m", "-r", `custom.${name}`).trim();
		const starts = (): number => readFileSync(join(server.safevar, "starts"), "utf8").split("\n").length - 1;

		server.ok("start", "-m", "m");
		await server.until(() => value("health") === "up" && value("curious") === "down" && value("bad") === "down", 60);
		t.is(server.state("m"), "UP Ready");
		t.regex(server.log("m"), /\| customcheck \| E \| custom\.curious is down: .*no permission to read \/etc\/passwd/);
		t.regex(server.log("m"), /custom\.bad is down: checks\/bad\.ts:1: .node:fs. cannot be imported .* through ctx/);
		t.is(starts(), 1);

		status = 503;
		// It stays so until the rule has seen it, however slow the machine is.
		await server.until(() => /Action restart from failover rule c_health/.test(server.log("m")), 60);
		t.regex(server.log("m"), /custom\.health is down: HTTP 503/);
		status = 200;
		await server.until(() => starts() > 1 && value("health") === "up" && server.state("m") === "UP Ready", 60);
		t.regex(server.log("m"), /Action restart from failover rule c_health/);

		const [sandbox] = sandboxes(server);
		process.kill(sandbox as number, "SIGKILL");
		await server.until(() => sandboxes(server).some((pid) => pid !== sandbox), 60);
		await server.until(() => value("health") === "up", 60);

		t.true(await server.kill("SIGKILL"));
		await server.until(() => sandboxes(server).length === 0, 60);
		await server.start();
		await server.until(() => sandboxes(server).length === 1 && value("health") === "up", 60);
		server.ok("stop", "-m", "m");
		await server.until(() => value("health") === "init", 60);
	},
);
