/** What people forget with Redis. */
import type { Advice, AdvisedElement } from "opensafe";

/** Redis that hangs is still a process: only a question finds out. */
export const unwatched: Advice = ({ service }) => {
	const replicated = all(service, "rfs", "replicated").find(({ values }) => /\bredis\b/.test(String(values.dir)));
	if (replicated === undefined || all(service, "check", "redis").length > 0) return [];
	return [
		{
			message: "the data of Redis is replicated, and nothing asks whether Redis answers",
			remedy: 'Add <redis ident="db" when="prim"><to/></redis> to <check>.',
			at: replicated,
		},
	];
};

function all(element: AdvisedElement, ...path: string[]): AdvisedElement[] {
	return path.reduce(
		(level: AdvisedElement[], name) => level.flatMap(({ children }) => children.filter((each) => each.name === name)),
		[element],
	);
}
