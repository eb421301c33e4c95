/** What has servers of its own: resyncs, failovers, memory. */
import type { Scenario } from "../measure.ts";
import { crashScenarios } from "./crash.ts";
import { deltaScenarios } from "./delta.ts";
import { fullScenarios } from "./full.ts";

export const scenarios: Scenario[] = [...fullScenarios, ...crashScenarios, ...deltaScenarios];
