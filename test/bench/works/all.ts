/** Everything that is done on every subject, in the order in which it is done. */
import type { Work } from "../measure.ts";
import { fileWorks } from "./files.ts";
import { fioWorks } from "./fio.ts";
import { postgresWorks } from "./postgres.ts";
import { sqliteWorks } from "./sqlite.ts";
import { treeWorks } from "./trees.ts";

export const dataWorks: readonly Work[] = [...fioWorks, ...postgresWorks, ...sqliteWorks];
/** Many names are made and removed: see journal.ts. */
export const nameWorks: readonly Work[] = [...fileWorks, ...treeWorks];
export const works: readonly Work[] = [...dataWorks, ...nameWorks];
