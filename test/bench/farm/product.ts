/** Two servers of a lab with a farm module of the product. */
import type { Lab } from "../../../sdk/lab/lab.ts";
import type { LabNode } from "../../../sdk/lab/node.ts";
import type { Clients } from "../../lab/farm/clients.ts";
import { Farm, type VirtualType } from "../../lab/farm/farm.ts";
import type { Contender } from "./contender.ts";

export class Product implements Contender {
	readonly farm: Farm;
	readonly target: string;

	private constructor(farm: Farm, target: string) {
		this.farm = farm;
		this.target = target;
	}

	/** `farm`: attributes of the element. Both servers serve. */
	static async make(lab: Lab, type: VirtualType, attributes: string): Promise<Product> {
		const farm = await Farm.make(lab, { count: 2, farm: attributes, types: [type] });
		const product = new Product(farm, farm.address(type)[0]);
		await farm.start();
		await product.untilServed();
		return product;
	}

	get lab(): Lab {
		return this.farm.lab;
	}

	get nodes(): readonly LabNode[] {
		return this.farm.nodes;
	}

	get clients(): Clients {
		return this.farm.clients;
	}

	stopNode(node: LabNode): Promise<void> {
		return this.farm.stop([node]);
	}

	startNode(node: LabNode): Promise<void> {
		return this.farm.start([node]);
	}

	async revive(node: LabNode): Promise<void> {
		await this.farm.powerOn(node);
		await this.startNode(node);
	}

	async untilServed(): Promise<void> {
		await this.farm.untilMembers(this.nodes.map(({ name }) => name));
		await this.lab.until("both servers answer", 30_000, async () => {
			const { servers } = await this.clients.askEach(this.target);
			return Object.keys(servers).length === this.nodes.length;
		});
	}
}
