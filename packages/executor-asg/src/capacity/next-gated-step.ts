import type { ServiceState } from "../release-state.ts";

/** Which step of a gated rollout a service is at, and since when it has been healthy. */
export type GatedStep = NonNullable<ServiceState["step"]>;

/** What decides about the next step. */
export interface GateInput {
  /** Capacities of all steps. */
  readonly steps: readonly number[];
  readonly step: GatedStep | undefined;
  readonly healthy: number;
  /** Seconds. */
  readonly bakeTime: number;
  /** Epoch ms. */
  readonly now: number;
  /** Something else, such as an alarm, forbids to go on. */
  readonly held: boolean;
}

/**
 * The step after one look: the next when all instances of this one have been healthy, without a break, for the bake
 * time. The last step has no gate; whether it is healthy is the judge's matter.
 */
export function nextGatedStep({ steps, step, healthy, bakeTime, now, held }: GateInput): GatedStep {
  const last = steps.length - 1;
  const index = Math.min(step?.index ?? 0, last);
  if (index === last) return { index };
  if (held || healthy < (steps[index] ?? 0)) return { index };
  const healthySince = step?.healthySince ?? now;
  return now - healthySince >= bakeTime * 1_000 ? { index: index + 1 } : { index, healthySince };
}

/** Whether a service has been let through to its last step; always, when its strategy is not gated. */
export function isAtLastStep(steps: readonly number[], step: GatedStep | undefined): boolean {
  return steps.length <= 1 || (step?.index ?? 0) >= steps.length - 1;
}
