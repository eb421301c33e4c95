/** The working copy of a mirror's state during one step. */
import { ModeContext } from "../../sdk/index.ts";
import type { MirrorState, PlanKind } from "./state.ts";

export class Context extends ModeContext<MirrorState, PlanKind> {}
