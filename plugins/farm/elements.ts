/** The elements of `<service mode="farm">` beside the common ones: spec/02 §4, §5. */
import {
	type AttributeDeclaration,
	address,
	choice,
	count,
	type ElementDeclaration,
	interfaceList,
	onOff,
	port,
	time,
	vipAttributes,
	word,
} from "../../sdk/index.ts";

const farm: ElementDeclaration = {
	name: "farm",
	doc: "Membership of the farm.",
	min: 1,
	max: 1,
	attributes: {
		port: { type: port, doc: "UDP port; by default from the module's id." },
		pulse: { type: time("ms", { min: 10 }), default: "100ms", doc: "Time between two pulses." },
		mlost_count: { type: count, default: "20", doc: "Lost pulses after which a new leader is chosen." },
		slost_count: { type: count, default: "10", doc: "Lost pulses after which a follower is gone." },
	},
	children: [
		{
			name: "lan",
			doc: "A network of the farm.",
			min: 1,
			attributes: { name: { type: word, doc: "Its name in cluster.xml." } },
			children: [
				{
					name: "node",
					doc: "A node by its address.",
					carried: "legacy",
					instead: "name the lan and describe its nodes in cluster.xml",
					attributes: {
						name: { type: word, required: true, doc: "Name of the node." },
						addr: { type: address, required: true, doc: "Its address." },
					},
				},
			],
		},
	],
};

/** Of virtual addresses in a farm: all nodes have them. */
const where: AttributeDeclaration = { type: choice("alias"), default: "alias", doc: "Set on every node." };

const vip: ElementDeclaration = {
	name: "vip",
	doc: "Virtual addresses and load balancing.",
	max: 1,
	attributes: {
		...vipAttributes,
		scriptcontrol: { type: onOff, default: "off", doc: "Scripts open and close the traffic." },
	},
	children: [
		interfaceList({
			where,
			shared: {
				doc: "An interface that all nodes share.",
				type: { type: choice("vmac_directed", "vmac_invisible"), required: true, doc: "How frames reach the nodes." },
				where,
			},
		}),
		{
			name: "loadbalancing_list",
			doc: "How clients are shared out.",
			max: 1,
			children: [
				{
					name: "group",
					doc: "A group of rules.",
					min: 1,
					unique: "name",
					attributes: { name: { type: word, required: true, doc: "Name of the group." } },
					children: [
						{
							name: "cluster",
							doc: "Weights of the nodes.",
							max: 1,
							children: [
								{
									name: "host",
									doc: "One node.",
									min: 1,
									unique: "name",
									attributes: {
										name: { type: word, required: true, doc: "Node." },
										power: { type: count, required: true, doc: "Weight." },
									},
								},
							],
						},
						{
							name: "rule",
							doc: "Which traffic is shared out, and by what.",
							min: 1,
							attributes: {
								virtual_addr: { type: { is: "address", star: true }, default: "*", doc: "Virtual address; * for all." },
								port: {
									type: { is: "integer", min: 1, max: 65_535, star: true },
									default: "*",
									doc: "Destination port; * for all.",
								},
								proto: { type: choice("tcp", "udp", "arp"), required: true, doc: "Protocol." },
								filter: {
									type: choice("on_addr", "on_port", "on_ipid"),
									required: true,
									doc: "What of the client is hashed.",
								},
							},
						},
					],
				},
			],
		},
	],
};

export const farmElements: readonly ElementDeclaration[] = [farm, vip];
