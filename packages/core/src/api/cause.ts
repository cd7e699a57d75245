import { Type } from "typebox";
import { Instant } from "./event.ts";
import { pageOf } from "./page-of.ts";
import type { View } from "./view.ts";

/** The troubles whose causes are counted. */
export const CauseKind = Type.Enum(["failed", "degraded", "parked", "dead"], {
  description: "Failed tasks, last failures of degraded stacks, parked events, or dead letters.",
});
export type CauseKind = View<typeof CauseKind>;

/** Failed tasks, parked events or dead letters with the same task, event and code. */
export const Cause = Type.Object({
  kind: CauseKind,
  task: Type.Optional(Type.String({ description: "Of failed tasks, and of events that name one." })),
  event: Type.Optional(Type.String({ description: "Of parked events and dead letters." })),
  code: Type.Optional(Type.String({ description: "Missing: the failure has no code." })),
  count: Type.Integer({ minimum: 1 }),
  messages: Type.Optional(
    Type.Integer({
      minimum: 2,
      maximum: 100,
      description:
        "How many different messages they have, by their first lines without numbers, ids and times; 100 may be more. Missing: one.",
    }),
  ),
  newestAt: Instant,
  sample: Type.Object(
    {
      stackId: Type.String(),
      message: Type.Optional(Type.String({ description: "At most 500 characters; sensitive values as `***`." })),
    },
    { description: "The newest of them." },
  ),
});
export type Cause = View<typeof Cause>;

/** A page of causes. */
export const CausePage = Type.Object({
  ...pageOf(Cause).properties,
  examined: Type.Integer({ description: "Failures, parked events or dead letters that were counted." }),
  incomplete: Type.Optional(Type.Literal(true, { description: "There are more; only the first were counted." })),
});
export type CausePage = View<typeof CausePage>;
