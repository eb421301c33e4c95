/** A farm of three nodes in the real kernel, without the group: the tests say who answers whom. */
import type { ExecutionContext } from "ava";
import type { FarmView } from "../../../core/engine/farm/group.ts";
import type { BalancingRule } from "../../../core/module/configuration.ts";
import { bucketOf } from "../../../core/vip/farm/hash.ts";
import type { Asked } from "./agent.ts";
import { type Agent, farmOf, farmPort, type Net, names, net, port, vipOf, virtual } from "./net.ts";

export const [four, six] = ["10.9.0.50", "fd09::50"];
export const onAddr = (proto: "tcp" | "udp"): BalancingRule => ({ virtualAddr: null, port, proto, filter: "on_addr" });
export const patientMs = 10_000;

export type Type = "vmac_invisible" | "vmac_directed";

/** Starts and sets all nodes; what they answer is up to the caller. */
export async function farm(t: ExecutionContext, type: Type, rules = [onAddr("tcp"), onAddr("udp")]): Promise<Net> {
	const made = await net(t);
	const vip = vipOf([virtual(four, type), virtual(six, type)], rules);
	await each(made, async (agent, name) => {
		await agent.do("start", { farm: farmOf(name), vip, record: `${made.folder}/${name}.json` });
		await agent.do("set");
		await agent.do("serve", { name, port, datagrams: [four, six] });
		await agent.do("pulses", { to: name === "a" ? "10.9.0.2" : "10.9.0.1", port: farmPort });
	});
	return made;
}

export async function each(
	made: Net,
	work: (agent: Agent, name: string) => Promise<unknown>,
	who = names,
): Promise<void> {
	await Promise.all(who.map((name) => work(made.agents[name] as Agent, name)));
}

export async function share(made: Net, view: FarmView): Promise<void> {
	await each(made, (agent) => agent.do("share", view));
}

/** The node that the view gives the client to. */
export function ownerOf(view: FarmView, { from }: Asked): string | null {
	return view.groups[0]?.owners[bucketOf("on_addr", from, 0) ?? 0] ?? null;
}
