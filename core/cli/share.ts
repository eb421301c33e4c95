/** A farm's share of the clients, as `safekit state` shows it. */
import { loadOf } from "../engine/farm/group.ts";
import { percentOf } from "../engine/farm/percent.ts";
import type { ModuleControl } from "./control.ts";

type Share = NonNullable<ReturnType<typeof shareOf>>;

/** What a farm's server answers of each group; null where nothing is shared out. */
export function shareOf({ farm }: ModuleControl) {
	if (farm === null) return null;
	const { members = [], settled = false } = farm.view ?? {};
	const groups = farm.module.groups.map(({ name }) => {
		const share = farm.view?.groups.find((each) => each.name === name);
		const load = share === undefined ? 0 : loadOf(share, farm.module.node);
		return { name, load, percent: percentOf(load) };
	});
	return { members, settled, groups };
}

/** `50%`, and with the names of the groups where their shares differ. */
export function shareText({ groups }: Share): string {
	const [first, ...others] = groups;
	if (first === undefined) return "";
	if (others.every(({ percent }) => percent === first.percent)) return `${first.percent}%`;
	return groups.map(({ name, percent }) => `${name} ${percent}%`).join(", ");
}

/** Continues the sentence of a farm's server whose application runs: which clients it answers, and who does not help. */
export function shareWhy(module: ModuleControl, share: Share): string {
	const { main, status } = module.view();
	if (main !== "UP" || status !== "Ready" || share.groups.length === 0) return "";
	const others = module.farm?.module.nodes.filter((node) => !share.members.includes(node)) ?? [];
	const missing = others.length === 0 ? "" : `; ${others.join(", ")} ${others.length === 1 ? "takes" : "take"} no part`;
	const unsettled = share.settled ? "" : ", while shares are on their way";
	return ` and answers ${shareText(share)} of the clients${unsettled}${missing}`;
}
