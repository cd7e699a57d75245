import type { RunView } from "@stackyard/core/runs";
import { toInstant } from "../schemas/common.ts";
import type { Run } from "../schemas/run.ts";

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
