/** Everything that may stand in userconfig.xml: the common elements and those of each mode. */
import type { ElementDeclaration, ModeElements } from "./declare.ts";
import { checkElement } from "./elements/check.ts";
import { errdElement } from "./elements/errd.ts";
import { failoverElement } from "./elements/failover.ts";
import { farmMode } from "./elements/modes.ts";
import { macroElement, serviceAttributes } from "./elements/service.ts";
import { userElement } from "./elements/user.ts";
import { vhostElement } from "./elements/vhost.ts";

export interface Schema {
	/** `<safe>`; its `<service>` has the children of no mode. */
	safe: ElementDeclaration;
	modes: ReadonlyMap<string, ModeElements>;
	/** `<service>` as the mode of this name knows it; with an unknown mode, as any mode knows it. */
	service(mode: string | undefined): ElementDeclaration;
}

const common = [userElement, vhostElement, errdElement, checkElement, failoverElement];

/** The schema with the modes that plugins bring; documented modes that none brings are known too (warned about). */
export function createSchema(brought: readonly ModeElements[]): Schema {
	const modes = new Map([farmMode, ...brought].map((mode) => [mode.mode, mode]));
	const service = (mode: string | undefined): ElementDeclaration => {
		const own = mode === undefined ? undefined : modes.get(mode);
		const elements = own?.elements ?? [...modes.values()].flatMap((each) => each.elements);
		return {
			name: "service",
			doc: "The module itself.",
			min: 1,
			max: 1,
			attributes: serviceAttributes,
			children: [...elements, ...common],
		};
	};
	const safe: ElementDeclaration = {
		name: "safe",
		doc: "The root of userconfig.xml.",
		children: [macroElement, { name: "service", doc: "The module itself.", min: 1, max: 1 }],
	};
	return { safe, modes, service };
}
