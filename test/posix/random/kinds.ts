/** Every kind of operation of the random test, with its choices made before it runs: both sides do the same. */
import { contentKinds } from "./contentKinds.ts";
import { metadataKinds } from "./metadataKinds.ts";
import { nameKinds } from "./nameKinds.ts";
import type { Choices } from "./random.ts";
import type { Kind, Step } from "./side.ts";

/** Those that open, read and write come more often, since they need one another. */
export const kinds: readonly Kind[] = [...nameKinds, ...contentKinds, ...metadataKinds];
const weighted = kinds.flatMap((kind) => new Array<Kind>(kind.weight ?? 1).fill(kind));

export function chooseStep(choices: Choices): Step {
	const kind = choices.of(weighted);
	const { text, run } = kind.choose(choices);
	return { kind: kind.name, text: text ?? "", run };
}
