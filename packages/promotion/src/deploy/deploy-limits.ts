import { isMap } from "@stackyard/core";
import { type Limits, toCount } from "@stackyard/core/rollout";
import { toMs } from "./definition.ts";
import { CONCURRENCY, type SendJob } from "./deploy-job.ts";
import type { DeployState } from "./deploy-row.ts";

/** The part of a job from which the limits of a deployment are computed. */
interface Limited extends Pick<SendJob, "concurrency" | "maxFailures"> {
  readonly waves: readonly Pick<SendJob["waves"][number], "name" | "pauseMs">[];
}

/** Names and sizes of the waves of a deployment: a later config may have others. */
type Waves = Pick<DeployState, "waves" | "sizes">;

/** Returns the limits of a deployment. What a config says of a wave is true of the wave with its name. */
export function toSendLimits(
  { concurrency, maxFailures, waves }: Limited,
  { waves: names, sizes }: Waves,
): Required<Limits> {
  return {
    concurrency,
    maxFailures: sizes.map((size) => toCount(maxFailures, size)),
    pausesMs: names.map((name) => waves.find((wave) => wave.name === name)?.pauseMs ?? 0),
  };
}

/** Returns the limits of a task that sends, from its config as the document has it; undefined for other configs. */
export function findSendLimits(config: unknown, state: Waves): Required<Limits> | undefined {
  if (!isMap(config) || (config["op"] ?? "send") !== "send") return undefined;
  const { maxFailures, concurrency, waves } = config;
  const limited: Limited = {
    concurrency: typeof concurrency === "number" ? concurrency : CONCURRENCY,
    maxFailures: typeof maxFailures === "number" || typeof maxFailures === "string" ? maxFailures : 0,
    waves: (Array.isArray(waves) ? waves : []).map((wave) => ({
      name: findText(wave, "name") ?? "",
      pauseMs: toMs(findText(wave, "pause"), 0),
    })),
  };
  return toSendLimits(limited, state);
}

function findText(wave: unknown, key: "name" | "pause"): string | undefined {
  const text = isMap(wave) ? wave[key] : undefined;
  return typeof text === "string" ? text : undefined;
}
