/** Two servers of a farm with real daemons, each in a network of its own on one switch, and their clients on it. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import { Box } from "../../../sdk/lab/box.ts";
import { hasProgram } from "../../../sdk/lab/prerequisites.ts";
import { installSource, Server, writeModule } from "../server.ts";

const run = promisify(execFile);
const missing = ["ip", "nft", "unshare", "nsenter", "setpriv", "bash"].filter((program) => !hasProgram(program));
const reason = process.getuid?.() === 0 ? missing.join(", ") : "root";

export const virtualAddr = "10.9.0.100";
/** Addresses from which the clients ask. */
export const clients = Array.from({ length: 32 }, (_, n) => `10.9.0.${110 + n}`);
const names = ["n1", "n2"] as const;

/** A test that needs boxes; skipped with the reason where none can be made. */
export function farmTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
	if (reason === "") test.serial(title, body);
	else test.serial.skip(`${title} (skipped: ${reason} is missing)`, (t) => t.pass());
}

export interface Site {
	servers: [Server, Server];
	boxes: [Box, Box];
	/** Who answers each client; null: nobody within the time. */
	answers(): Promise<Record<string, string | null>>;
}

/** Ends with its folder, also where the test has failed. */
const application = `import { existsSync } from "node:fs";
import { createServer } from "node:http";
setInterval(() => existsSync(import.meta.filename) || process.exit(), 1000);
createServer((_, answer) => answer.end(process.env.SERVER)).listen(80, "${virtualAddr}");
`;

/** Asks once from each address; a client that is not answered tries again as TCP does. */
const asking = `import { get } from "node:http";
const [addr, withinMs, ...from] = process.argv.slice(1);
const ask = (localAddress) => new Promise((resolve) => {
	const request = get({ host: addr, port: 80, localAddress, agent: false, timeout: Number(withinMs) }, (response) => {
		let text = "";
		response.on("data", (part) => (text += part)).on("end", () => resolve(text));
	});
	request.on("timeout", () => request.destroy()).on("error", () => resolve(null));
});
const answers = await Promise.all(from.map(async (address) => [address, await ask(address)]));
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
`;

/** A server may be silent for 20 s, longer than a new daemon needs on a busy machine. */
function service(type: string): string {
	return `<service mode="farm"><farm mlost_count="200" slost_count="200"><lan name="default"/></farm><vip><interface_list><interface>
		<virtual_interface type="${type}"><virtual_addr addr="${virtualAddr}" where="alias"/></virtual_interface>
	</interface></interface_list><loadbalancing_list><group name="Web"><rule port="80" proto="tcp" filter="on_addr"/></group>
	</loadbalancing_list></vip><user/></service>`;
}

const scripts = {
	start_both:
		'setsid "$NODE" "$SAFEVAR/application.mjs" >/dev/null 2>&1 & echo $! >"$SAFEVAR/application.pid"; echo start_both "$@" >>"$SAFEVAR/said"',
	stop_both: '[ "$1" = force ] || kill $(cat "$SAFEVAR/application.pid"); echo stop_both "$@" >>"$SAFEVAR/said"',
};

/** The module `web` is configured on both servers and stopped. */
export async function farmSite(t: ExecutionContext, type: "vmac_invisible" | "vmac_directed"): Promise<Site> {
	const start = (name: string) => Box.start(name, "ip link set lo up; echo ready; read -r end", {});
	const all = await Promise.all([start("switch"), ...names.map(start)]);
	t.teardown(() => Promise.all(all.map((box) => box.kill())));
	const [hub, ...boxes] = all as [Box, Box, Box];
	await hub.network("ip", ["link", "add", "br0", "type", "bridge"]);
	for (const [index, box] of boxes.entries()) {
		const port = `p${index + 1}`;
		await run("ip", [
			"link",
			"add",
			port,
			"netns",
			String(hub.pid),
			"type",
			"veth",
			"peer",
			"name",
			"eth0",
			"netns",
			String(box.pid),
		]);
		await hub.network("ip", ["link", "set", port, "master", "br0", "up"]);
		await box.network("ip", ["addr", "add", `10.9.0.${index + 1}/24`, "dev", "eth0"]);
		await box.network("ip", ["link", "set", "eth0", "up"]);
	}
	await hub.network("ip", ["link", "set", "br0", "up"]);
	for (const addr of clients) await hub.network("ip", ["addr", "add", `${addr}/24`, "dev", "br0"]);
	const servers = names.map((name, index) => new Server(t, name, boxes[index]?.pid ?? 0)) as [Server, Server];
	await configure(servers, type);
	const answers = async (withinMs = 8000) =>
		JSON.parse(
			await hub.network(process.execPath, [
				"--input-type=module",
				"-e",
				asking,
				virtualAddr,
				String(withinMs),
				...clients,
			]),
		);
	return { servers, boxes, answers };
}

/** cluster.xml and a new key, on both. */
export function key([first, second]: readonly [Server, Server], called: readonly string[] = names): void {
	const lan = called.map((name, index) => `<node name="${name}" addr="10.9.0.${index + 1}"/>`).join("");
	writeFileSync(join(first.folder, "cluster.xml"), `<cluster><lans><lan name="default">${lan}</lan></lans></cluster>`);
	first.ok("cluster", "config", join(first.folder, "cluster.xml"));
	first.ok("cluster", "package", join(first.folder, "cluster.zip"));
	second.ok("cluster", "config", join(first.folder, "cluster.zip"));
}

async function configure(servers: [Server, Server], type: string): Promise<void> {
	const [first] = servers;
	const source = writeModule(join(first.folder, "source"), service(type), scripts);
	for (const server of servers) {
		server.env.NODE = process.execPath;
		server.env.SERVER = server.name;
		// Its address says which node it is.
		server.env.SAFENODE = undefined;
		server.setup("setup");
		writeFileSync(join(server.safevar, "application.mjs"), application);
	}
	await Promise.all(servers.map((server) => server.start()));
	key(servers);
	for (const server of servers) {
		installSource(server, "web", source);
		server.ok("config", "-m", "web");
	}
}
