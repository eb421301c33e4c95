/** PostgreSQL loses the power of its primary while pgbench works on it, in both directions. */
import { labTest } from "../open.ts";
import { installedVersion } from "./database.ts";
import { powerCuts, sabotaged } from "./powerCuts.ts";

const version = installedVersion();
const needs = ["systemd/systemd", "pgbench", "psql", ...(version === null ? ["postgres"] : [])];

labTest("PostgreSQL keeps every acknowledged transaction in 4 power cuts", { needs, withinMs: 540_000 }, (t, lab) =>
	powerCuts(t, lab, version ?? "", 4),
);

labTest(
	"the control: acknowledged before the peer has it, the same check finds losses",
	{ needs, withinMs: 400_000 },
	(t, lab) => sabotaged(t, lab, version ?? ""),
);
