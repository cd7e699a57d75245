import { type Static, Type } from "typebox";

/** What a machine writes under `config`. */
export const DelayConfig = Type.Object(
  { seconds: Type.Integer({ minimum: 1, maximum: 86_400, description: "How long to wait" }) },
  { additionalProperties: false },
);
export type DelayConfig = Static<typeof DelayConfig>;

/** What is kept between two polls. It is JSON and survives a restart. */
export const DelayProgress = Type.Object({ startedAt: Type.Integer(), until: Type.Integer() });
export type DelayProgress = Static<typeof DelayProgress>;

/** What a machine can take from the finished task. */
export const DelayOutputs = Type.Object({ waitedMs: Type.Integer() });

/** All that is known of the executor without running it. */
export const delayDefinition = {
  name: "delay",
  config: DelayConfig,
  progress: DelayProgress,
  outputs: DelayOutputs,
  resumable: true,
  cancelWithin: "1m",
  timeout: ({ seconds }: DelayConfig): number => seconds * 1_000 + 60_000,
} as const;
