/**
 * Two servers of a lab with the product on them, set up with the commands that an administrator would give, and one
 * module: the demo's web service at a virtual IP address, with or without a replicated directory.
 */
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import AdmZip from "adm-zip";
import type { Lab } from "../../../sdk/lab/lab.ts";
import { checkoutInNode, type LabNode, type NodeOptions } from "../../../sdk/lab/node.ts";
import { ask } from "./ask.ts";

export const safekit = "/opt/safekit/safekit";
export const nodeInNode = join(checkoutInNode, `node_modules/node-linux-${process.arch}/bin/node`);
/** The replicated directory of the module. */
export const data = "/data";
const virtualHost = 100;
const demoModule = join(import.meta.dirname, "../../../sdk/demo/module");
export const daemon = `env NODE_COMPILE_CACHE=/var/safekit/run/compile-cache ${nodeInNode} ${checkoutInNode}/core/node/main.ts`;
const commandWithinMs = 120_000;

export interface MirrorOptions extends NodeOptions {
	/** Heartbeat timeout, as in userconfig.xml. */
	timeout?: string;
	pulse?: string;
	/** Whether the module replicates /data. Default true. */
	replicated?: boolean;
	/** More attributes of `<service>`, of `<rfs>`, and of the virtual address. */
	service?: string;
	rfs?: string;
	address?: string;
	/** Whether the virtual address and its interface are watched. Default false. */
	check?: boolean;
	/** More elements of `<service>`. */
	more?: string;
	/** The application, in place of the demo's web service: a file of the project that takes the same arguments. */
	app?: string;
	/** The block device of a server's /data, asked for at each boot; without it /data is a folder of this machine. */
	device?: (node: string) => Promise<string>;
}

export interface PackageFile {
	path: string;
	content: string;
	mode: number;
}

/** The files of one folder of a module, as they go into its package. */
export function filesIn(module: string, folder: string, mode: number): PackageFile[] {
	return readdirSync(join(module, folder)).map((name) => {
		return { path: `${folder}/${name}`, content: readFileSync(join(module, folder, name), "utf8"), mode };
	});
}

export interface State {
	state: string;
	status: string;
	why: string;
	uptodate: boolean | null;
	rule: string | null;
}

export class Mirror {
	readonly lab: Lab;
	readonly nodes: [LabNode, LabNode];
	readonly module: string;
	/** The virtual IP address. */
	readonly vip: string;

	constructor(lab: Lab, nodes: [LabNode, LabNode], module: string) {
		this.lab = lab;
		this.nodes = nodes;
		this.module = module;
		this.vip = lab.address(virtualHost);
	}

	/** Boots both servers, sets the product and the cluster up, installs the demo's service as module `service`. */
	static async make(lab: Lab, options: MirrorOptions = {}): Promise<Mirror> {
		const { keep = [], device, ...rest } = options;
		const boot = (name: string): Promise<LabNode> =>
			lab.node(
				name,
				device === undefined
					? { ...rest, keep: [data, ...keep] }
					: { ...rest, keep, devices: { [data]: () => device(name) } },
			);
		const nodes: [LabNode, LabNode] = [await boot("n1"), await boot("n2")];
		const mirror = new Mirror(lab, nodes, "service");
		await mirror.setUpCluster(lab.lanCount);
		const userconfig = { path: "conf/userconfig.xml", content: mirror.#userconfig(options), mode: 0o644 };
		await mirror.install([userconfig, ...filesIn(demoModule, "bin", 0o755)]);
		return mirror;
	}

	get url(): string {
		return `http://${this.vip}:8080`;
	}

	/** `npm run setup` on both servers, and one cluster of them; the key travels in the package of `cluster package`. */
	async setUpCluster(lans: number): Promise<void> {
		const [first, second] = this.nodes;
		for (const node of this.nodes) {
			await node.run(`${nodeInNode} ${checkoutInNode}/core/cli/setup.ts setup`, { timeoutMs: commandWithinMs });
			this.startDaemon(node);
		}
		const lan = (number: number): string => {
			const lines = this.nodes.map((node) => `<node name="${node.name}" addr="${node.address(number)}"/>`);
			return `<lan name="${number === 0 ? "default" : "private"}">${lines.join("")}</lan>`;
		};
		const xml = `<cluster><lans>${[...Array(lans).keys()].map(lan).join("")}</lans></cluster>\n`;
		await first.write("/var/safekit/my-cluster.xml", xml);
		await first.run(`${safekit} cluster config /var/safekit/my-cluster.xml`);
		await first.run(`${safekit} cluster package /var/safekit/cluster.zip`);
		const zip = "/var/safekit/cluster.zip";
		copyFileSync(join(first.disk("/var/safekit"), "cluster.zip"), join(second.disk("/var/safekit"), "cluster.zip"));
		await second.run(`${safekit} cluster config ${zip}`);
		for (const node of this.nodes) await node.run(`rm ${zip}`);
	}

	/** Starts the daemon as the server's service manager would; with systemd, setup has done it. */
	startDaemon(node: LabNode): void {
		if (!node.hasSystemd) node.startService("safeadmin", daemon);
	}

	async daemonPid(node: LabNode): Promise<number> {
		if (!node.hasSystemd) return node.servicePid("safeadmin");
		return Number(await node.run("systemctl show -p MainPID --value safeadmin"));
	}

	/** A `safekit` command for the module. */
	command(node: LabNode, words: string): Promise<string> {
		return node.run(`${safekit} ${words} -m ${this.module}`, { timeoutMs: commandWithinMs });
	}

	async state(node: LabNode): Promise<State> {
		// A daemon that is just being restarted is waited for by the command.
		const answer = ask(node, ["state", "--json", "-m", this.module]).catch(() => this.command(node, "state --json"));
		const { modules } = JSON.parse(await answer) as { modules: State[] };
		const [state] = modules;
		if (state === undefined) throw new Error(`${node.name} has no module`);
		return state;
	}

	/** Waits for a state such as "PRIM Ready"; says the reason that the node gives if it does not come. */
	async until(node: LabNode, wanted: string, withinMs: number): Promise<void> {
		let last = "";
		const check = async (): Promise<boolean> => {
			const { state, status, why } = await this.state(node);
			last = `${state} ${status}: ${why}`;
			if (`${state} ${status}` !== wanted) throw new Error(last);
			return true;
		};
		await this.lab.until(`${node.name} is ${wanted}`, withinMs, check);
	}

	/** From nothing to the first server primary and the second one up to date. */
	async start(): Promise<void> {
		const [first, second] = this.nodes;
		await this.command(first, "prim");
		await this.until(first, "ALONE Ready", 60_000);
		await this.command(second, "start");
		await this.until(second, "SECOND Ready", 60_000);
		await this.until(first, "PRIM Ready", 60_000);
	}

	async powerOn(node: LabNode): Promise<void> {
		await node.powerOn();
		this.startDaemon(node);
		await this.lab.until(`the daemon of ${node.name} answers`, 30_000, () => this.state(node));
	}

	/** The module log, verbose, oldest line first. */
	log(node: LabNode): Promise<string> {
		return this.command(node, "log -A -s 100000");
	}

	/** Names of the servers that hold the virtual IP address. */
	async holders(): Promise<string[]> {
		const names: string[] = [];
		for (const node of this.nodes) {
			if (node.isOn && (await node.run("ip -4 -o addr")).includes(`${this.vip}/`)) names.push(node.name);
		}
		return names;
	}

	/** Packs `files` as a .safe, installs and configures it on both servers. */
	async install(files: PackageFile[]): Promise<void> {
		const zip = new AdmZip();
		for (const { path, content, mode } of files) zip.addFile(path, Buffer.from(content), "", mode);
		const file = `${this.module}.safe`;
		for (const node of this.nodes) {
			zip.writeZip(join(node.disk("/var/safekit"), file));
			await node.run(`${safekit} module install -m ${this.module} /var/safekit/${file} && rm /var/safekit/${file}`);
			await this.command(node, "config");
		}
	}

	#userconfig(options: MirrorOptions): string {
		const rfs = options.replicated === false ? "" : `<rfs ${options.rfs ?? ""}><replicated dir="${data}"/></rfs>`;
		const ident = options.replicated === false ? "" : ' ident="flow"';
		const { timeout = "2000ms", pulse = "200ms", service = "" } = options;
		const check = `check="${options.check === true ? "on" : "off"}"`;
		const lans = this.lab.lanCount > 1 ? '<heartbeat name="private"/>' : "";
		const vars = {
			DEMO_NODE: nodeInNode,
			DEMO_APP: `${checkoutInNode}/${options.app ?? "sdk/demo/app.ts"}`,
			DEMO_DIR: data,
			DEMO_PORT: "8080",
		};
		return `<!DOCTYPE safe>
<safe>
	<service mode="mirror" boot="on" ${service}>
		<heart pulse="${pulse}" timeout="${timeout}"><heartbeat name="default"${ident}/>${lans}</heart>
		<vip><interface_list><interface ${check} arpreroute="on"><real_interface>
			<virtual_addr addr="${this.vip}" where="one_side_alias" ${check} ${options.address ?? ""}/>
		</real_interface></interface></interface_list></vip>
		${rfs}
		${options.more ?? ""}
		<user>${Object.entries(vars)
			.map(([name, value]) => `<var name="${name}" value="${value}"/>`)
			.join("")}</user>
	</service>
</safe>
`;
	}
}
