/** Disks that fail now and then, on either side. */
import { declareFailingDisks } from "./failingDisks.ts";

declareFailingDisks(30);
