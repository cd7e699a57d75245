import { Type } from "typebox";
import { HistoryEntry, Instant } from "./event.ts";
import { YardProcess } from "./job.ts";
import { MachineGraph } from "./machine.ts";
import { Attempt, ParkedEvent, StackDetails } from "./stack.ts";
import type { View } from "./view.ts";

/** Everything about one stack, to attach to an incident. Sensitive values are masked. */
export const StackBundle = Type.Object({
  format: Type.Literal(1),
  stackId: Type.String(),
  createdAt: Instant,
  version: Type.String({ description: "Of the server." }),
  stack: Type.Union([StackDetails, Type.Null()], { description: "Null: it was removed." }),
  graph: Type.Optional(
    Type.Object(MachineGraph.properties, { description: "Of the revision of the machine that the stack has." }),
  ),
  attempts: Type.Array(
    Type.Object({ ...Attempt.properties, log: Type.Optional(Type.String({ description: "Its end." })) }),
  ),
  parked: Type.Array(Type.Object({ ...ParkedEvent.properties, message: Type.Record(Type.String(), Type.Unknown()) })),
  processes: Type.Array(YardProcess),
  history: Type.Array(HistoryEntry, { description: "Newest first, at most 10,000 lines." }),
  revisions: Type.Array(
    Type.Object({ hash: Type.String(), name: Type.String(), firstSeenAt: Instant, source: Type.String() }),
  ),
  report: Type.Optional(
    Type.Array(Type.Unknown(), { description: "The pages of the report, of a job or a task that has one." }),
  ),
  cut: Type.Array(Type.String(), { description: "Names of the lists that are not whole." }),
});
export type StackBundle = View<typeof StackBundle>;
