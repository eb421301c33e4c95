/** As postgresql.test.ts, 20 times. */
import { labTest } from "../open.ts";
import { installedVersion } from "./database.ts";
import { powerCuts } from "./powerCuts.ts";

const version = installedVersion();
const needs = ["systemd/systemd", "pgbench", "psql", ...(version === null ? ["postgres"] : [])];

labTest("PostgreSQL keeps every acknowledged transaction in 20 power cuts", { needs, withinMs: 3_600_000 }, (t, lab) =>
	powerCuts(t, lab, version ?? "", 20),
);
