/** Everything that is done on every subject, in the order in which it is done. */
import type { Work } from "../measure.ts";
import { fileWorks } from "./files.ts";
import { fioWorks } from "./fio.ts";
import { postgresWorks } from "./postgres.ts";
import { sqliteWorks } from "./sqlite.ts";
import { treeWorks } from "./trees.ts";

export const works: Work[] = [...fioWorks, ...fileWorks, ...treeWorks, ...postgresWorks, ...sqliteWorks];
