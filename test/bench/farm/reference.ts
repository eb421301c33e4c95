/**
 * What a farm is compared with, as real programs on servers of a lab: pairs of servers whose virtual address keepalived
 * moves, adverts every 0.1 s, with nginx on both. Plain; with haproxy in front of both nginx; and with a director in the
 * kernel that spreads clients by their address over both and lets each answer directly, which is what LVS does. (Its
 * module ip_vs is seldom in the kernels of virtual machines, so nftables forwards the frames.)
 */
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";
import { Clients } from "../../lab/farm/clients.ts";
import { webConf } from "../../lab/farm/webServer.ts";
import type { Contender } from "./contender.ts";

export const referenceNames = ["keepalived", "haproxy", "lvs"] as const;
export type ReferenceName = (typeof referenceNames)[number];

export function isReference(name: string): name is ReferenceName {
	return referenceNames.some((each) => each === name);
}

const router = "/var/safekit/keepalived.conf";
const clientAddresses = 60;
/** Where nginx listens behind haproxy. */
const behindPort = 8080;

export class Reference implements Contender {
	readonly name: ReferenceName;
	readonly lab: Lab;
	readonly nodes: [LabNode, LabNode];
	readonly clients: Clients;
	/** The virtual address. */
	readonly target: string;

	private constructor(name: ReferenceName, lab: Lab, nodes: [LabNode, LabNode], clients: Clients) {
		this.name = name;
		this.lab = lab;
		this.nodes = nodes;
		this.clients = clients;
		this.target = lab.address(100);
	}

	/** Both servers run; the first has the address. */
	static async make(name: ReferenceName, lab: Lab): Promise<Reference> {
		const nodes: [LabNode, LabNode] = [await lab.node("n1"), await lab.node("n2")];
		const reference = new Reference(name, lab, nodes, await Clients.make(lab, clientAddresses));
		for (const node of nodes) await reference.#prepare(node);
		for (const node of nodes) await reference.startNode(node);
		await reference.untilServed();
		return reference;
	}

	async startNode(node: LabNode): Promise<void> {
		await node.run("rm -f /run/draining; nginx -c /var/safekit/web.conf");
		if (this.name === "haproxy") await node.run("haproxy -D -q -f /var/safekit/haproxy.cfg -p /run/haproxy.pid");
		if (this.name === "lvs") await node.run(`${settings}\nip addr add ${this.target}/32 dev lo`);
		node.startService("keepalived", `keepalived -n -P -f ${router} -p /run/keepalived.pid -r /run/vrrp.pid`);
	}

	/** The address goes first, then what serves there. */
	async stopNode(node: LabNode): Promise<void> {
		// Whoever spreads the clients sees it, and sends no more.
		if (this.name !== "keepalived") await node.run("touch /run/draining; sleep 0.5");
		await node.stopService("keepalived");
		if (this.name === "haproxy") await node.run("kill -USR1 $(cat /run/haproxy.pid)");
		await node.run("nginx -c /var/safekit/web.conf -s quit");
		if (this.name === "lvs") await node.run(`ip addr del ${this.target}/32 dev lo; ${forgetDirector}`);
	}

	async revive(node: LabNode): Promise<void> {
		await node.powerOn();
		await this.startNode(node);
	}

	/** Waits until the address is answered, by the first server that keepalived prefers or by both where both serve. */
	async untilServed(): Promise<void> {
		const wanted = this.name === "keepalived" ? "n1" : "n1 n2";
		await this.lab.until(`${wanted} of ${this.name} answer`, 30_000, async () => {
			const { servers } = await this.clients.askEach(this.target);
			return Object.keys(servers).sort().join(" ") === wanted;
		});
	}

	async #prepare(node: LabNode): Promise<void> {
		const [first, second] = this.nodes;
		const other = node === first ? second : first;
		const behind = this.name === "haproxy" ? behindPort : 80;
		await node.write("/var/safekit/web.conf", webConf(node.name, behind));
		await node.write("/var/safekit/haproxy.cfg", this.#haproxy());
		const [own, mac] = [await macOf(node), await macOf(other)];
		await node.write("/var/safekit/director", this.#director(other.address(), own, mac), 0o755);
		await node.write(router, this.#keepalived(node === first ? 100 : 90));
	}

	#keepalived(priority: number): string {
		const notify =
			this.name !== "lvs"
				? ""
				: 'notify_master "/var/safekit/director master"\n\tnotify_backup "/var/safekit/director backup"';
		return `global_defs {
	script_user root
	vrrp_version 3
}
vrrp_instance web {
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority ${priority}
	advert_int 0.1
	virtual_ipaddress {
		${this.target}/24 dev eth0
	}
	${notify}
}
`;
	}

	#haproxy(): string {
		const servers = this.nodes.map((node) => `\tserver ${node.name} ${node.address()}:${behindPort} check`);
		return `global
	maxconn 8000
defaults
	mode http
	maxconn 8000
	timeout connect 1s
	timeout client 1h
	timeout server 10s
	timeout check 100ms
	default-server inter 100ms fall 2 rise 1
	option redispatch 1
	retry-on all-retryable-errors
	option httpchk GET /alive
	http-check disable-on-404
	http-reuse always
frontend web
	bind :80
	default_backend web
backend web
	balance roundrobin
${servers.join("\n")}
`;
	}

	/** Forwards half of the clients to the other server, as long as that one answers a look every 0.1 s. */
	#director(other: string, own: string, mac: string): string {
		return `#!/bin/bash
exec > /dev/null 2>&1 < /dev/null
direct() {
	{
		echo 'add table netdev director'
		echo 'delete table netdev director'
		[ "$1" = alone ] || cat <<rules
table netdev director {
	chain other {
		ether saddr set ${own} ether daddr set ${mac} fwd to "eth0"
	}
	chain arriving {
		type filter hook ingress device "eth0" priority 0;
		ip daddr ${this.target} tcp dport 80 jhash ip saddr mod 2 seed 0x1 vmap { 0 : accept, 1 : goto other }
	}
}
rules
	} | nft -f -
}
[ ! -e /run/director.pid ] || kill -9 $(cat /run/director.pid)
direct alone
[ "$1" = master ] || exit 0
(
	state=alone
	missed=0
	while sleep 0.1; do
		if timeout 0.1 bash --norc -c 'exec 3<> /dev/tcp/${other}/80
			printf "GET /alive HTTP/1.0\\r\\n\\r\\n" >&3; read -r _ status _ <&3; [ "$status" = 200 ]'; then
			missed=0
			[ $state = both ] || { direct both; state=both; }
		else
			missed=$((missed + 1))
			[ $state = alone ] || [ $missed -lt 2 ] || { direct alone; state=alone; }
		fi
	done
) &
echo $! > /run/director.pid
`;
	}
}

async function macOf(node: LabNode): Promise<string> {
	return node.run("cat /sys/class/net/eth0/address");
}

/** Servers that all hold an address must not all answer for it. */
const settings = `for name in all eth0; do
	echo 1 > /proc/sys/net/ipv4/conf/$name/arp_ignore
	echo 2 > /proc/sys/net/ipv4/conf/$name/arp_announce
done`;
const forgetDirector = `[ ! -e /run/director.pid ] || kill -9 $(cat /run/director.pid); rm -f /run/director.pid
nft -f - <<rules
add table netdev director
delete table netdev director
rules`;
