/** Servers with a daemon and a web service, each on an address of its own, that give each other commands. */
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { createServer, type Server as NetServer } from "node:net";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { network, packModule, Server, writeModule } from "./server.ts";

export const names = ["n1", "n2"];
export const addressOf = (name: string): string => `${network}.${10 + names.indexOf(name)}`;
export const clusterXml = (of: string[]): string =>
	`<cluster><lans><lan name="default">${of.map((name) => `<node name="${name}" addr="${addressOf(name)}"/>`).join("")}</lan></lans></cluster>`;

export const light = '<service mode="light" boot="off"><user/></service>';
export const scripts = { start: "echo started", stop: "echo stopped" };

/** A port that is free on all addresses. */
async function freePort(): Promise<number> {
	const server: NetServer = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	server.close();
	return port;
}

/** The states, on a connection of its own. */
export function ask(url: string): Promise<Response> {
	return fetch(`${url}/api/v1/modules`, { headers: { connection: "close" } }).catch((error) => {
		throw new Error(`${url}: ${error.cause?.message ?? error.message}`);
	});
}

export interface Site {
	servers: Server[];
	port: number;
	url(name: string): string;
}

/** Daemons that run, without any cluster. */
export async function site(t: Pick<ExecutionContext, "teardown">, count: number): Promise<Site> {
	const port = await freePort();
	const servers = names.slice(0, count).map((name) => new Server(t, name));
	for (const server of servers) {
		server.setup("setup");
		const text = `Define httpport ${port}\nDefine httpaddress ${addressOf(server.name)}\n`;
		writeFileSync(join(server.safe, "web/conf/httpd.conf"), text);
		await server.start();
	}
	const url = (name: string): string => `http://${addressOf(name)}:${port}`;
	for (const server of servers) {
		await server.until(() => existsSync(join(server.safevar, "run/daemon.sock")));
		for (let waited = 0; !(await ask(url(server.name)).catch(() => null))?.ok; waited++) {
			if (waited > 300) throw new Error(`${server.name} has no web service`);
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
	}
	return { servers, port, url };
}

/** The same in one cluster. */
export async function cluster(t: ExecutionContext, count: number): Promise<Site> {
	const made = await site(t, count);
	const [first, ...others] = made.servers as [Server, ...Server[]];
	writeFileSync(join(first.folder, "cluster.xml"), clusterXml(names.slice(0, count)));
	first.ok("cluster", "config", join(first.folder, "cluster.xml"));
	first.ok("cluster", "package", join(first.folder, "cluster.zip"));
	for (const server of others) server.ok("cluster", "config", join(first.folder, "cluster.zip"));
	return made;
}

export function install(
	server: Server,
	module: string,
	service: string,
	own: Record<string, string>,
	id = 1,
	...options: string[]
): void {
	const source = writeModule(join(server.folder, `source-${module}`), service, own);
	const file = join(server.folder, `${module}.safe`);
	packModule(source, file);
	server.ok("module", "install", "-m", module, "-M", String(id), ...options, file);
}
