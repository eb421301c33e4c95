/** The virtual addresses of one farm module on this node, and who of the clients is answered here. */
import type { FarmModule, FarmView } from "../../engine/farm/group.ts";
import { SafekitError } from "../../errors.ts";
import type { VipConfiguration } from "../../module/configuration.ts";
import type { AddressSystem } from "../addresses.ts";
import { type Announced, Announcer } from "../announcer.ts";
import { awaitFree } from "../duplicates.ts";
import { closedFilter, openFilter, sharesAsSets } from "../filter/batch.ts";
import { netdevTable, whereContents } from "../filter/netdev.ts";
import type { FilterPlan, Shares } from "../filter/plan.ts";
import { batchOf } from "../filter/text.ts";
import { asVipError, Holding, isSame, reasonOf } from "../holding.ts";
import { type Planned, planAddresses } from "../place.ts";
import { readRecord } from "../record.ts";
import { Connections } from "./connections.ts";
import { FilterWatch } from "./filterWatch.ts";
import { isDirected, Neighbours, nodesIn } from "./neighbours.ts";
import { planFilter } from "./plan.ts";
import { answeredBy, sharesQuestions } from "./questions.ts";

export interface FarmAddressesOptions {
	/** The group; its pulses keep the filter's lease alive, so this node must send them to `farm.port`. */
	farm: FarmModule;
	vip: VipConfiguration;
	system: AddressSystem;
	/** `$SAFEVAR/run/vip-AM.json`. */
	record: string;
	log(level: "E" | "I" | "W", text: string): void;
}

/** What is set, as planned. */
interface Standing {
	planned: Planned[];
	plan: FilterPlan;
}

/** Somebody may have flushed or changed our tables, with those of all others. */
const watchMs = 2000;

export class FarmAddresses {
	readonly #options: FarmAddressesOptions;
	readonly #holding: Holding;
	readonly #announcer: Announcer;
	readonly #neighbours: Neighbours;
	readonly #connections: Connections;
	readonly #filter: FilterWatch;
	#standing: Standing | null = null;
	#wanted: FarmView | null = null;
	#applied: FarmView | null = null;
	/** All that takes longer was done for this one, too. */
	#followed: FarmView | null = null;
	/** MAC addresses in the filter as it is in the kernel; null: perhaps there is none. */
	#written: string | null = null;
	#watch: NodeJS.Timeout | undefined;
	/** The kernel does not tell its connections, and that was said. */
	#untold = false;
	/** What of the last look, or of what follows a view, failed: it is said once. */
	#trouble = "";
	/** What is announced, and to which group. */
	#announced = "";
	#last: Promise<unknown> = Promise.resolve();
	#following: Promise<unknown> = Promise.resolve();

	constructor(options: FarmAddressesOptions) {
		this.#options = options;
		const { farm, vip, system, log } = options;
		this.#holding = new Holding({ ...options, id: farm.id, tcpreset: vip.tcpreset });
		this.#announcer = new Announcer(system, (addr, error) =>
			log("W", `Virtual IP ${addr} could not be announced: ${reasonOf(error)}`),
		);
		this.#neighbours = new Neighbours(system, farm, log);
		this.#connections = new Connections(farm.node, vip.balancing, system);
		this.#filter = new FilterWatch(system, this.#holding.table);
	}

	/**
	 * Sets all addresses behind a closed filter: applications may bind to them, no client is answered yet. Done twice it
	 * changes nothing. All or nothing. Throws VIP_NAME, VIP_INTERFACE, VIP_LOCAL, VIP_TAKEN or VIP_SYSTEM.
	 */
	set(): Promise<void> {
		return this.#afterAll(async () => {
			if (this.#standing === null) await this.#set(true);
		});
	}

	/**
	 * Every view of the group, also one that a newer one overtakes or that comes before the addresses do: connections may
	 * be where it put them. Null: this node is not in the group any more, and what it was given there is void.
	 */
	hear(view: FarmView | null): void {
		this.#connections.hear(view);
		if (view === null) this.#wanted = null;
		else this.#neighbours.hear(view.members);
	}

	/**
	 * From when this resolves on, exactly the clients whose buckets the view gives to this node are answered here.
	 * Idempotent; of several at once the one that is given last wins, whatever its version: a clock may be put back.
	 * Without addresses set it does nothing, and throws while an earlier daemon's are there. Throws VIP_SYSTEM.
	 */
	share(view: FarmView): Promise<void> {
		this.hear(view);
		this.#wanted = view;
		const done = this.#inTurn(() => this.#share());
		// Whoever waits for this node's buckets need not wait for the addresses to follow.
		this.#followAfter(done).catch((error) => this.#say(reasonOf(error)));
		return done;
	}

	/**
	 * A restarted daemon found the module running: the addresses are there already, or are set again. The filter goes on
	 * as it is, until the next view.
	 */
	resume(): Promise<void> {
		return this.#afterAll(async () => {
			if (this.#standing !== null) return;
			const { links, addresses } = await readRecord(this.#options.record);
			const interfaces = await this.#options.system.interfaces();
			const linksThere = links.every((name) => interfaces.some((each) => each.name === name));
			const filtered = linksThere && addresses.length > 0 && (await this.#filter.isWhole());
			await this.#set(!filtered);
		});
	}

	/**
	 * Removes what this module has set here, also before a crash or under an earlier configuration. Done twice, or with
	 * nothing set, it does nothing. Throws VIP_SYSTEM after everything was tried.
	 */
	unset(): Promise<void> {
		return this.#afterAll(() => this.#unset());
	}

	/** The daemon ends, the module runs on: addresses and filter stay, until the lease ends in the kernel. */
	close(): void {
		this.#announcer.stop();
		clearInterval(this.#watch);
	}

	#inTurn(work: () => Promise<void>): Promise<void> {
		const turn = this.#last.then(work, work);
		this.#last = turn.catch(() => undefined);
		return turn;
	}

	/** Also after what follows the views that were given until now. */
	#afterAll(work: () => Promise<void>): Promise<void> {
		const following = this.#following;
		return this.#inTurn(async () => {
			await following;
			await work();
		});
	}

	/** Nothing of what follows may wait for a turn: whoever has one may wait for it. */
	#followAfter(turn: Promise<void>): Promise<void> {
		const work = Promise.allSettled([turn, this.#following]).then(() => this.#follow());
		this.#following = work.catch(() => undefined);
		return work;
	}

	async #set(close: boolean): Promise<void> {
		const { system, vip, farm, log } = this.#options;
		if (vip.addresses.length === 0) return;
		try {
			const interfaces = await system.interfaces();
			const left = await this.#holding.find(interfaces);
			const planned = await planAddresses(vip.addresses, farm.id, interfaces, left.addresses);
			const standing = { planned, plan: await planFilter(this.#options, this.#holding.table, planned, interfaces) };
			const links = planned.flatMap(({ link }) => (link === null ? [] : [link.name]));
			// The interface itself may have an address of vmac_directed, now or later.
			const places = [...planned, ...planned.filter(isDirected).map((one) => ({ ...one, iface: one.parent.name }))];
			await this.#holding.remove({
				addresses: left.addresses.filter((old) => !places.some((one) => isSame(one, old))),
				links: left.links.filter((name) => !links.includes(name)),
				filter: false,
			});
			await this.#neighbours.look(planned.filter(isDirected), interfaces);
			await this.#checkFree(planned.filter(({ addr }) => !left.addresses.some((old) => old.addr === addr)));
			this.#filter.watch(standing.plan);
			await this.#holding.note({ addresses: places, links: [...new Set(links)], filter: true });
			if (close) {
				await this.#holding.raiseLinks(planned, closedFilter(standing.plan));
				this.#filter.written();
			}
			for (const one of planned) await this.#holding.add(one);
			this.#standing = standing;
			this.#beginWatch();
			for (const { addr, parent } of planned) {
				if (close) log("I", `Virtual IP <${addr} of ${farm.module}> set`);
				if (!parent.up) log("W", `Virtual IP ${addr} cannot be reached: the interface ${parent.name} is down`);
			}
			await this.#move();
		} catch (error) {
			await this.#unset().catch((also) => log("E", reasonOf(also)));
			throw asVipError(error);
		}
	}

	/** The other nodes may answer for the address; nobody else. */
	async #checkFree(fresh: readonly Planned[]): Promise<void> {
		const { system } = this.#options;
		await Promise.all(
			fresh.map(async ({ parent, addr, link }) => {
				const nodes = [...(this.#neighbours.macs.get(parent.name)?.values() ?? [])];
				await awaitFree(system, { iface: parent, addr, friends: link === null ? nodes : [...nodes, link.mac] }, []);
			}),
		);
	}

	async #share(): Promise<void> {
		const [standing, view] = [this.#standing, this.#wanted];
		if (standing === null) return await this.#refuseLeft();
		if (view === null || view === this.#applied) return;
		try {
			await this.#fill(standing.plan, this.#shares(standing, view));
			this.#applied = view;
		} catch (error) {
			throw asVipError(error);
		}
	}

	/** What an earlier daemon has set and nobody has taken up or away may answer as before: nothing of it is released. */
	async #refuseLeft(): Promise<void> {
		if (!(await readRecord(this.#options.record)).filter) return;
		const why = "it is still as an earlier daemon left it, until the virtual addresses are set or removed";
		throw new SafekitError("VIP_SYSTEM", why);
	}

	/** Only the sets as a rule; all of it when the filter is not known to be there, or frames go somewhere else. */
	async #fill(plan: FilterPlan, shares: Shares): Promise<void> {
		const { system } = this.#options;
		const nodes = nodesIn(shares.macs);
		const same = nodes === this.#written;
		this.#written = null;
		if (!same || !(await this.#filter.hasFilled(sharesAsSets(plan, shares)))) {
			await system.filter(openFilter(plan, shares));
			this.#filter.written();
		}
		this.#written = nodes;
	}

	#shares({ plan }: Standing, view: FarmView): Shares {
		const names = plan.balancing?.groups.map(({ name }) => name) ?? [];
		const groups = this.#connections.shares(view, names);
		return { groups, answers: answeredBy(view) === this.#options.farm.node, macs: this.#neighbours.macs };
	}

	/**
	 * What takes longer and that no other node waits for: who is where, who has the address, how the filter looks. What of
	 * it fails, or does not answer yet, is tried again at every look.
	 */
	async #follow(): Promise<void> {
		const [standing, view] = [this.#standing, this.#applied];
		if (standing === null || view === null || view === this.#followed) return;
		const directed = standing.planned.filter(isDirected);
		let all = true;
		if (directed.length > 0) {
			await this.#move();
			all = await this.#neighbours.follow(view.members, directed, await this.#options.system.interfaces());
		}
		if (all) this.#followed = view;
		// What is wrong with the filter is mended at the next look.
		const looked = this.#inTurn(() => this.#readdress()).then(() => this.#filter.isWhole());
		looked.catch((error) => this.#say(reasonOf(error)));
	}

	/**
	 * Frames go to where the other nodes are now. Nothing but rules is written: who answers whom stays, and the lease goes
	 * on as it is, for the others may have taken over meanwhile.
	 */
	async #readdress(): Promise<void> {
		const [standing, nodes] = [this.#standing, nodesIn(this.#neighbours.macs)];
		// In tables that somebody took away there would be nothing but rules.
		if (standing === null || nodes === this.#written || !(await this.#filter.isWhole())) return;
		await this.#options.system.filter(batchOf([netdevTable(standing.plan, this.#neighbours.macs)], false));
		this.#filter.written();
		this.#written = nodes;
	}

	/** The addresses of vmac_directed are on the interface itself where clients are told so, and announced there. */
	async #move(): Promise<void> {
		const { system, vip, farm } = this.#options;
		const [standing, view] = [this.#standing, this.#applied];
		if (standing === null) return;
		const interfaces = await system.interfaces();
		const here = view !== null && answeredBy(view) === farm.node;
		const announced: Announced[] = [];
		for (const one of standing.planned) {
			const { addr, prefix, parent, wanted } = one;
			const again = wanted.arpreroute ? { everyMs: wanted.arpIntervalMs, forMs: wanted.arpElapseMs } : null;
			if (one.link !== null) {
				announced.push({ iface: one.iface, addr, prefix, again: null });
				continue;
			}
			const own = interfaces.find(({ name }) => name === parent.name)?.addresses ?? [];
			const present = own.some((each) => each.addr === addr);
			const wantedHere = here || sharesQuestions(vip.balancing, wanted.addr);
			if (wantedHere && !present) await this.#holding.add({ iface: parent.name, addr, prefix });
			if (!wantedHere && present) await system.remove(parent.name, addr, prefix);
			if (here) announced.push({ iface: parent.name, addr, prefix, again });
		}
		// Who answered the clients before may be gone.
		const key = JSON.stringify([announced, here ? view.members : []]);
		if (key === this.#announced) return;
		this.#announced = key;
		await this.#announcer.start(announced);
	}

	#beginWatch(): void {
		clearInterval(this.#watch);
		let busy = false;
		this.#watch = setInterval(async () => {
			if (busy) return;
			busy = true;
			const restored = this.#inTurn(() => this.#restore());
			const done = await Promise.allSettled([restored.then(() => this.#look()), this.#followAfter(restored)]);
			const reasons = done.flatMap((each) => (each.status === "rejected" ? [reasonOf(each.reason)] : []));
			this.#say([...new Set(reasons)].join("; "));
			busy = false;
		}, watchMs);
		this.#watch.unref();
	}

	#say(trouble: string): void {
		if (trouble !== "" && trouble !== this.#trouble) this.#options.log("E", trouble);
		this.#trouble = trouble;
	}

	async #restore(): Promise<void> {
		const [standing, view] = [this.#standing, this.#wanted];
		if (standing === null || view === null) return;
		if (this.#applied === null) return await this.#share();
		if (await this.#filter.isWhole()) return await this.#readdress();
		const { log, farm, system } = this.#options;
		const shares = this.#shares(standing, view);
		const nodes = nodesIn(shares.macs);
		// Until that succeeds, what is left of it is filled as before.
		await system.filter(openFilter(standing.plan, shares, true));
		this.#filter.written();
		this.#applied = view;
		this.#written = nodes;
		await this.#filter.isWhole();
		const why = "(nft flush ruleset?), or an interface was made anew";
		log("W", `Another program had changed the filter of ${farm.module} ${why}: it is as it was again`);
	}

	/** Connections end: frames of clients that have none here any more are not looked at, or passed on, for their sake. */
	async #look(): Promise<void> {
		const [standing, view] = [this.#standing, this.#applied];
		if (standing === null || view === null) return;
		const addresses = standing.plan.addresses.map(({ addr }) => addr);
		try {
			if (!(await this.#connections.look(view, addresses, performance.now()))) return;
		} catch (error) {
			if (!this.#untold) this.#options.log("W", `Packets of other servers' clients cost more: ${reasonOf(error)}`);
			this.#untold = true;
			return;
		}
		await this.#inTurn(async () => {
			if (this.#standing !== standing || this.#applied !== view) return;
			await this.#filter.fill(whereContents(standing.plan, this.#shares(standing, view)));
		});
	}

	async #unset(): Promise<void> {
		clearInterval(this.#watch);
		this.#announcer.stop();
		this.#announced = "";
		this.#standing = null;
		this.#wanted = null;
		this.#applied = null;
		this.#followed = null;
		this.#written = null;
		await this.#holding.removeAll();
	}
}
