import { isMap } from "@stackyard/core";
import { type Limits, toCount } from "@stackyard/core/rollout";
import { toMs } from "./definition.ts";
import { CONCURRENCY, type SendJob } from "./deploy-job.ts";

/** The part of a job from which the limits of a deployment are computed. */
interface Limited extends Pick<SendJob, "concurrency" | "maxFailures"> {
  readonly waves: readonly Pick<SendJob["waves"][number], "pauseMs">[];
}

/** Returns the limits of a deployment with waves of these sizes. */
export function toSendLimits({ concurrency, maxFailures, waves }: Limited, sizes: readonly number[]): Required<Limits> {
  return {
    concurrency,
    maxFailures: sizes.map((size) => toCount(maxFailures, size)),
    pausesMs: waves.map(({ pauseMs }) => pauseMs),
  };
}

/** Returns the limits of a task that sends, from its config as the document has it; undefined for other configs. */
export function findSendLimits(config: unknown, sizes: readonly number[]): Required<Limits> | undefined {
  if (!isMap(config) || (config["op"] ?? "send") !== "send") return undefined;
  const { maxFailures, concurrency, waves } = config;
  const limited: Limited = {
    concurrency: typeof concurrency === "number" ? concurrency : CONCURRENCY,
    maxFailures: typeof maxFailures === "number" || typeof maxFailures === "string" ? maxFailures : 0,
    waves: (Array.isArray(waves) ? waves : []).map((wave) => ({ pauseMs: toMs(findPause(wave), 0) })),
  };
  return toSendLimits(limited, sizes);
}

function findPause(wave: unknown): string | undefined {
  const pause = isMap(wave) ? wave["pause"] : undefined;
  return typeof pause === "string" ? pause : undefined;
}
