import { Type } from "typebox";
import { ActorId, Instant } from "./event.ts";
import type { View } from "./view.ts";

const count = Type.Integer({ minimum: 0 });

/** When the calendar of tasks `deploy` lets them send. */
const ReleaseWindow = Type.Object({
  calendar: Type.String(),
  tasks: Type.Array(Type.String(), { description: "Those that have not ended, in their order." }),
  waiting: { ...count, description: "Stacks that these tasks have not sent to yet. 0: they have not begun." },
  zone: Type.Optional(Type.String({ description: "Missing: it is not known, see `problem`." })),
  stacks: Type.Optional({
    ...count,
    description:
      "Of a calendar with the zone of each stack: the stacks with this zone that wait and the caller may read.",
  }),
  isOpen: Type.Boolean({ description: "The calendar is open now. A freeze may still hold." }),
  opensAt: Type.Optional(
    Type.String({
      format: "date-time",
      description:
        "The next instant at which it is open and no freeze of all these stacks holds. Missing: nothing holds now, or the instant is not known.",
    }),
  ),
  closesAt: Type.Optional(
    Type.String({ format: "date-time", description: "When the window ends that is open now or next." }),
  ),
  open: Type.Array(Type.Object({ from: Instant, to: Instant }), {
    description: "When the calendar is open between `from` and `to` of the answer, at most 100 times.",
  }),
  problem: Type.Optional(Type.String({ description: "Why its hours are not known: nothing is sent then." })),
});

/** A freeze that may hold a release. */
const ReleaseFreeze = Type.Object({
  name: Type.String(),
  reason: Type.String(),
  startedAt: Instant,
  startedBy: Type.String(),
  startedById: Type.Optional(ActorId),
  to: Type.Optional(Type.String({ format: "date-time", description: "Missing: a person ends it." })),
  machine: Type.Optional(Type.String({ description: "Missing: stacks of all machines." })),
  where: Type.Optional(Type.String({ description: "It may match some of the release's stacks only. Missing: all." })),
  passes: Type.Boolean({ description: "The release was let pass." }),
});

/** When a release may send: the calendars of its tasks that have not ended, and freezes. */
export const ReleaseCalendar = Type.Object({
  from: { ...Instant, description: "From when on the windows are listed: some time before now." },
  to: { ...Instant, description: "Until when: after the next opening, at most 62 days from now." },
  windows: Type.Array(ReleaseWindow),
  freezes: Type.Array(ReleaseFreeze, { description: "Those of the machines that it deploys to, by name." }),
  alarms: Type.Array(Type.String(), { description: "Alarms that are read before each send." }),
});
export type ReleaseCalendar = View<typeof ReleaseCalendar>;
