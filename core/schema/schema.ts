/** Everything that may stand in userconfig.xml: the common elements and those of each mode. */
import { type AttributeDeclaration, choice, type ElementDeclaration, type ModeElements } from "./declare.ts";
import { checkElement } from "./elements/check.ts";
import { errdElement } from "./elements/errd.ts";
import { failoverElement } from "./elements/failover.ts";
import { macroElement, serviceAttributes } from "./elements/service.ts";
import { userElement } from "./elements/user.ts";
import { vhostElement } from "./elements/vhost.ts";
import { mergeModes } from "./merge.ts";

export interface Schema {
	/** `<safe>`; its `<service>` has the children of no mode. */
	safe: ElementDeclaration;
	modes: ReadonlyMap<string, ModeElements>;
	/** Names of the elements that stand in every `<service>`. */
	common: ReadonlySet<string>;
	/** `<service>` as the mode of this name knows it; with an unknown mode, as any mode knows it. */
	service(mode: string | undefined): ElementDeclaration;
	/** `<safe>` with all that is below it in one mode, or in any. */
	root(mode: string | undefined): ElementDeclaration;
}

/** What plugins add for the modules of all modes. */
export interface Additions {
	/** Elements of `<service>`. */
	elements: readonly ElementDeclaration[];
	/** Elements of `<check>`. */
	checkers: readonly ElementDeclaration[];
}

/** The schema with the modes that plugins bring. */
export function createSchema(
	brought: readonly ModeElements[],
	added: Additions = { elements: [], checkers: [] },
): Schema {
	const check = { ...checkElement, children: [...(checkElement.children ?? []), ...added.checkers] };
	const common = [userElement, vhostElement, errdElement, check, failoverElement, ...added.elements];
	const modes = new Map(brought.map((mode) => [mode.mode, mode]));
	const service = (mode: string | undefined): ElementDeclaration => {
		const own = mode === undefined ? undefined : modes.get(mode);
		const elements = own?.elements ?? mergeModes([...modes.values()]);
		return {
			name: "service",
			doc: "The module itself.",
			min: 1,
			max: 1,
			attributes: withModes([...modes.keys()]),
			children: [...elements, ...common],
		};
	};
	const safe: ElementDeclaration = {
		name: "safe",
		doc: "The root of userconfig.xml.",
		children: [macroElement, { name: "service", doc: "The module itself.", min: 1, max: 1 }],
	};
	const root = (mode: string | undefined): ElementDeclaration => ({
		...safe,
		children: [macroElement, ofMode(service(mode), mode)],
	});
	return { safe, modes, common: new Set(common.map(({ name }) => name)), service, root };
}

/** Modes that nobody has documented come with their plugins. */
function withModes(modes: readonly string[]): Record<string, AttributeDeclaration> {
	const mode = serviceAttributes.mode as AttributeDeclaration;
	const known = mode.type.is === "choice" ? mode.type.values : [];
	return { ...serviceAttributes, mode: { ...mode, type: choice(...new Set([...known, ...modes])) } };
}

/** With a known mode, its attribute names that one only. */
function ofMode(service: ElementDeclaration, mode: string | undefined): ElementDeclaration {
	if (mode === undefined) return service;
	const known = { ...serviceAttributes.mode, type: choice(mode) } as AttributeDeclaration;
	return { ...service, attributes: { ...service.attributes, mode: known } };
}
