import { Type } from "typebox";
import { PLAN_DIGEST } from "../machine/limits.ts";
import { Outcome } from "./event.ts";
import type { View } from "./view.ts";

/** One event of a plan, and what it would do. */
export const PlannedEvent = Type.Object({
  event: Type.String(),
  cause: Type.Enum(["own", "timer", "parked", "raised"], { description: "`own`: it is what is planned." }),
  outcome: Outcome,
  code: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  state: Type.Union([Type.String(), Type.Null()], { description: "Of the stack afterwards. Null: it does not exist." }),
  sent: Type.Array(Type.String(), { description: "Tasks that are sent." }),
  cancelled: Type.Array(Type.String(), { description: "Tasks whose attempts are requested to stop." }),
});
export type PlannedEvent = View<typeof PlannedEvent>;

/** The digest of a plan: a request with it does what the plan shows, or is refused. */
export const PlanDigest = Type.String({
  pattern: PLAN_DIGEST,
  description:
    "Of all that would be done. Send it as `plan`: then exactly this is done, or the event is refused with PLAN_STALE.",
});
