import { Type } from "typebox";
import { Instant } from "./event.ts";
import { pageOf } from "./page-of.ts";
import type { View } from "./view.ts";

/** The state of a job. */
export const JobState = Type.Union([
  Type.Literal("waiting", { description: "Not started yet." }),
  Type.Literal("running"),
  Type.Literal("succeeded"),
  Type.Literal("failed"),
  Type.Literal("cancelled"),
]);
export type JobState = View<typeof JobState>;

const Config = Type.Record(Type.String(), Type.Unknown());

/** One task without a machine: started by hand, by a pipeline or by a boot. */
export const Job = Type.Object({
  jobId: Type.String(),
  state: JobState,
  executor: Type.String(),
  config: Config,
  target: Type.Optional(Config),
  outputs: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: "What its last end gave, failed ones too." }),
  ),
  error: Type.Optional(Type.Object({ code: Type.String({ description: "The executor's." }), message: Type.String() })),
  message: Type.Optional(Type.String({ description: "The newest line of its progress." })),
  cancelling: Type.Optional(Type.Literal(true, { description: "A cancel was requested and has not finished." })),
  startedAt: Instant,
  endedAt: Type.Optional(Type.String({ format: "date-time", description: "Of its last end." })),
});
export type Job = View<typeof Job>;

/** Pages of a job's executor report, such as instances of a fleet. */
export const JobReport = pageOf(Type.Unknown({ description: "A page as the executor has written it." }));
export type JobReport = View<typeof JobReport>;

/** A process that works for the yard. */
export const YardProcess = Type.Object({
  id: Type.String({ description: "Also the owner of the attempts that it runs." }),
  roles: Type.Array(
    Type.Union([
      Type.Literal("engine", { description: "It answers the API and applies events." }),
      Type.Literal("worker", { description: "It runs tasks." }),
    ]),
  ),
  version: Type.String(),
  host: Type.String(),
  pid: Type.Optional(Type.Integer()),
  url: Type.Optional(Type.String({ description: "Where its API is." })),
  executors: Type.Array(Type.String(), { description: "Whose tasks it runs." }),
  capacity: Type.Integer({ minimum: 0, description: "Tasks that it runs at the same time." }),
  running: Type.Integer({ minimum: 0 }),
  draining: Type.Boolean({ description: "It accepts no new work, and ends when its running work has ended." }),
  startedAt: Instant,
  seenAt: Type.String({ format: "date-time", description: "Its newest heartbeat; one comes every 5 s." }),
  gone: Type.Boolean({ description: "No heartbeat for 20 s: it was killed, or cannot reach the store." }),
  aheadMs: Type.Optional(
    Type.Integer({
      description: "By how much its clock is ahead of the server's; missing while they agree within 10 s.",
    }),
  ),
});
export type YardProcess = View<typeof YardProcess>;

const count = Type.Integer({ minimum: 0 });

/** A service of a plugin, which the yard's servers run. */
export const Service = Type.Object({
  name: Type.String(),
  failure: Type.Optional(
    Type.Object(
      {
        count: Type.Integer({ minimum: 1, description: "Failures in a row." }),
        firstAt: Instant,
        lastAt: Instant,
        message: Type.String(),
      },
      { description: "Why its last work failed. Missing when it succeeded. It is repeated later." },
    ),
  ),
});
export type Service = View<typeof Service>;

/** Counts of the whole yard. */
export const YardInfo = Type.Object({
  name: Type.Optional(Type.String({ description: "The name of the yard, if its server has one." })),
  version: Type.String(),
  stacks: count,
  queuedEvents: count,
  queuedTasks: count,
  parkedEvents: count,
  deadLetters: count,
  openAttempts: count,
  states: Type.Array(Type.Object({ machine: Type.String(), state: Type.String(), count })),
  accounts: Type.Optional(
    Type.Record(Type.String(), Type.String(), { description: "Names of AWS accounts by their ids, as configured." }),
  ),
});
export type YardInfo = View<typeof YardInfo>;
