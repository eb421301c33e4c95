/** What the addresses of a farm ask of the operating system, without one: what was asked, and what fails. */
import type { FarmModule } from "../../../core/engine/farm/group.ts";
import type { VipConfiguration } from "../../../core/module/configuration.ts";
import type { AddressSystem, LocalAddress, LocalInterface } from "../../../core/vip/addresses.ts";
import { FarmAddresses } from "../../../core/vip/farm/service.ts";

export class Machine {
	readonly all: LocalInterface[] = [local("lo", 1, ["127.0.0.1/8"]), local("eth0", 2, ["10.9.0.1/24"])];
	/** Batches of nft, and what the sets hold now. */
	readonly batches: string[] = [];
	readonly sets = new Map<string, number[]>();
	readonly announced: string[] = [];
	/** MAC addresses of the others; who is not there does not answer. */
	readonly others = new Map<string, string>();
	/** What the system refuses now. */
	refuses: "add" | "filter" | "" = "";
	tables = true;
	meanwhile: () => Promise<void> = async () => {};
	#generation = 1;

	readonly system: AddressSystem = {
		interfaces: async () => structuredClone(this.all),
		add: async (iface, addr, prefix) => {
			this.#may("add");
			this.#interface(iface).addresses.push(local(iface, 0, [`${addr}/${prefix}`]).addresses[0] as LocalAddress);
		},
		remove: async (iface, addr) => {
			const found = this.#interface(iface);
			found.addresses = found.addresses.filter((own) => own.addr !== addr);
		},
		filter: async (batch) => {
			this.#may("filter");
			this.#generation++;
			this.tables = true;
			this.batches.push(batch);
			for (const [, set = "", numbers = ""] of batch.matchAll(/^add element \w+ \w+ (\w+) \{ (.*) \}$/gm)) {
				this.sets.set(set, numbers.split(", ").map(Number));
			}
		},
		fillSets: async (contents) => {
			this.#may("filter");
			this.#generation++;
			for (const { set, numbers } of contents) this.sets.set(set, [...numbers]);
		},
		listTables: async () => (this.tables ? "rules" : null),
		filterGeneration: async () => this.#generation,
		whoHas: async (_, addr) => {
			await this.meanwhile();
			return this.others.get(addr) ?? null;
		},
		announce: async ({ name }, addr) => {
			this.announced.push(`${addr} ${name}`);
		},
		addLink: async () => {},
		raiseLink: async () => {},
		removeLink: async () => {},
		resetConnections: async () => {},
		trackedClients: async () => null,
		countConnections: async () => new Map(),
	};

	/** Another program does so. */
	flush(): void {
		this.tables = false;
		this.#generation++;
	}

	addressesOn(iface: string): string[] {
		return this.#interface(iface).addresses.map(({ addr }) => addr);
	}

	#interface(name: string): LocalInterface {
		return this.all.find((each) => each.name === name) as LocalInterface;
	}

	#may(call: "add" | "filter"): void {
		if (this.refuses === call) throw new Error(`no ${call}`);
	}
}

export function local(name: string, index: number, addresses: string[]): LocalInterface {
	const own = addresses.map((each) => {
		const [addr = "", prefix] = each.split("/");
		return { addr, prefix: Number(prefix), family: addr.includes(":") ? 6 : 4, label: "" } as const;
	});
	return { name, index, mac: `02:00:00:00:00:0${index}`, up: true, loopback: name === "lo", addresses: own };
}

/** A module's addresses on such a machine, and what they say. */
export function onMachine(farm: FarmModule, vip: VipConfiguration, record: string) {
	const machine = new Machine();
	const said: string[] = [];
	const log = (level: string, text: string): void => {
		said.push(`${level} ${text}`);
	};
	return { machine, said, addresses: new FarmAddresses({ farm, vip, record, system: machine.system, log }) };
}
