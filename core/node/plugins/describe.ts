/** What a plugin brings, without its functions. */
import type { Collected } from "./collect.ts";
import type { Description } from "./protocol.ts";

export function describe({ name, version, modes, elements, checkers, advice, catalogue }: Collected): Description {
	return {
		...{ name, version, elements, catalogue, advice: advice.length },
		modes: modes.map(({ automaton }) => automaton.mode),
		checkers: checkers.map((kind) => ({ name: kind.name, doc: kind.doc, attributes: kind.attributes })),
	};
}
