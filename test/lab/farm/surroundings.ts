/** What else is in the network of a server and must stay as it is: rules of its administrator and of docker, privacy addresses. */
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";

const dockerSocket = "unix:///run/docker.sock";

/** A firewall as people write it: it accepts what is known, and web and name servers, and counts nothing. */
const administrator = `table inet administrator {
	set trusted {
		type ipv4_addr
		flags interval
		elements = { 10.0.0.0/8, 192.168.0.0/16 }
	}
	chain incoming {
		type filter hook input priority filter; policy drop;
		iifname "lo" accept
		ct state established,related accept
		ip saddr @trusted accept
		meta l4proto { icmp, ipv6-icmp } accept
		meta nfproto ipv6 accept
		tcp dport { 22, 80 } accept
	}
}
table ip administrator_nat {
	chain leaving {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 172.30.0.0/16 oifname "eth0" masquerade
	}
}
`;

/** The administrator's rules, and an IPv6 address that the kernel made up for privacy. */
export async function furnish(lab: Lab, node: LabNode): Promise<void> {
	await node.run("nft -f -", { input: administrator });
	await node.run(`set -e
		echo 2 > /proc/sys/net/ipv6/conf/eth0/use_tempaddr
		ip addr add fd77:${node.host}::1/64 dev eth0 mngtmpaddr nodad`);
	await lab.until("the kernel makes up a privacy address", 10_000, async () => {
		const addresses = await node.run("ip -6 -o addr show dev eth0");
		return addresses.includes("temporary") && !addresses.includes("tentative");
	});
}

/** A real dockerd with a network of its own, and all the rules that it makes. */
export async function startDocker(lab: Lab, node: LabNode): Promise<void> {
	await node.run("mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup");
	const files = `-H ${dockerSocket} --exec-root /run/docker --pidfile /run/docker.pid --data-root /var/safekit/docker`;
	node.startService("docker", `dockerd ${files}`);
	const docker = `docker -H ${dockerSocket}`;
	await lab.until("docker answers", 60_000, async () => (await node.attempt(`${docker} ps`)).code === 0);
	await node.run(`${docker} network create --subnet 172.30.0.0/16 applications`);
}

/** Everything about the network of a server that could be left behind or lost, as text. */
export async function surroundingsOf(node: LabNode): Promise<string> {
	return node.run(`nft list ruleset | sed -E 's/packets [0-9]+ bytes [0-9]+/counted/'
		ip -o addr | sed -E 's/valid_lft.*//' | awk '{$1=""; print}' | sort
		ip -o link | sed -E 's/^[0-9]+: //' | sort
		ip rule; ip route show table all | sort; ip -6 route show table all | grep -v expires | sort
		grep -rH . /proc/sys/net/ipv4/conf/*/{arp_ignore,arp_announce,arp_filter,rp_filter,accept_local,forwarding} \\
			/proc/sys/net/ipv6/conf/*/{use_tempaddr,forwarding,accept_dad,disable_ipv6} \\
			/proc/sys/net/netfilter/nf_conntrack_tcp_* 2>/dev/null | grep -v /web`);
}
