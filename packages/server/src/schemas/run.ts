import type { RunView } from "@stackyard/core/runs";
import { type Static, Type } from "typebox";
import { Instant, pageOf, toInstant } from "./common.ts";

/** An id that becomes part of keys. */
export const RunId = Type.String({ pattern: "^[A-Za-z0-9-]{1,64}$" });

/** How far a run is. */
export const RunState = Type.Union([
  Type.Literal("waiting", { description: "Nobody works on it yet." }),
  Type.Literal("running"),
  Type.Literal("succeeded"),
  Type.Literal("failed"),
  Type.Literal("cancelled"),
]);

const Config = Type.Record(Type.String(), Type.Unknown());

/** One task without a machine: started by hand, by a pipeline or by a boot. */
export const Run = Type.Object({
  runId: Type.String(),
  state: RunState,
  executor: Type.String(),
  config: Config,
  target: Type.Optional(Config),
  outputs: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: "What its last end gave, failed ones too." }),
  ),
  error: Type.Optional(Type.Object({ code: Type.String({ description: "The executor's." }), message: Type.String() })),
  message: Type.Optional(Type.String({ description: "The newest line of its progress." })),
  cancelling: Type.Optional(Type.Literal(true, { description: "A cancel was asked for and has not ended." })),
  startedAt: Instant,
  endedAt: Type.Optional(Type.String({ format: "date-time", description: "Of its last end." })),
});
export type Run = Static<typeof Run>;

/** Starts a run. */
export const StartRunBody = Type.Object({
  executor: Type.String({ minLength: 1, maxLength: 255 }),
  config: Config,
  key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        "The caller's own: a repeat finds the same run, whatever the rest says. Default: another run each time.",
    }),
  ),
  target: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: "`account` and `region` to work in, perhaps `role` and `externalId`. Default: the runner's own.",
    }),
  ),
  timeoutMs: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 31_622_400_000, description: "Default: the executor's own, else one hour." }),
  ),
});

/** Asks a run to stop, or to be tried again. */
export const RunOperationBody = Type.Object({
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
});

/** Pages of what a run's executor reports, such as instances of a fleet. */
export const RunReport = pageOf(Type.Unknown({ description: "A page as the executor has written it." }));
export type RunReport = Static<typeof RunReport>;

/** A run as the API shows it. */
export function toRun({ startedAt, endedAt, config, target, outputs, error, ...rest }: RunView): Run {
  return {
    ...rest,
    config: { ...config },
    ...(target && { target: { ...target } }),
    ...(outputs && { outputs: { ...outputs } }),
    ...(error && { error: { ...error } }),
    startedAt: toInstant(startedAt),
    ...(endedAt === undefined ? {} : { endedAt: toInstant(endedAt) }),
  };
}
