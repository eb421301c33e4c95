/** The demo's two servers, and its application on them. */
import { join } from "node:path";
import { writePackage } from "../../core/module/package/write.ts";
import type { Lab } from "../lab/lab.ts";
import { checkoutInNode } from "../lab/node.ts";
import { nodeInNode, Pair } from "../lab/pair.ts";

export const timeoutMs = 2000;
export const moduleName = "demo";
const data = "/var/opensafe-demo";
const port = "8080";
/** Last part of the virtual IP address. */
const virtualHost = 100;

/** Makes the servers, without the product. `sabotage` goes into their environment. */
export function makeServers(sabotage: string | null): Promise<Pair> {
	const env = (lab: Lab): Record<string, string> => ({
		DEMO_NODE: nodeInNode,
		DEMO_APP: join(checkoutInNode, "sdk/demo/app.ts"),
		DEMO_VIP: lab.address(virtualHost),
		DEMO_DIR: data,
		DEMO_PORT: port,
		...(sabotage === null ? {} : { OPENSAFE_SABOTAGE: sabotage }),
	});
	return Pair.make(moduleName, { lans: ["default"], node: (lab) => ({ keep: [data], env: env(lab) }) });
}

/** Where clients reach the application. */
export function urlOf({ lab }: Pair): string {
	return `http://${lab.address(virtualHost)}:${port}`;
}

/** The product, the cluster, the module. */
export async function installDemo(servers: Pair): Promise<void> {
	await servers.setUp();
	const write = (file: string): Promise<unknown> => writePackage(join(import.meta.dirname, "module"), file);
	await Promise.all(servers.nodes.map((node) => servers.install(node, write)));
}
