/** Disks that fail altogether, on either side. */
import { declareFailingDisks } from "./failingDisks.ts";

declareFailingDisks(100);
