import { nextCapacity } from "../capacity/next-capacity.ts";
import { type GatedStep, isAtLastStep } from "../capacity/next-gated-step.ts";
import { planCapacity } from "../capacity/plan-capacity.ts";
import type { Release, Service } from "../document/release.ts";
import type { ReleaseConstants } from "../release-constants.ts";

/** One service coming up when every instance is healthy at the first look at it: the earliest that can be. */
export interface RolloutForecast {
  /** Desired capacities of the group and from which second on, of the begin of Deploy. */
  readonly steps: readonly { readonly afterSeconds: number; readonly desired: number }[];
  /** Second of the look at which it is healthy; undefined: not within the time-out. */
  readonly healthyAfterSeconds: number | undefined;
}

/** How long a whole release takes at least. */
export interface ReleaseForecast {
  readonly services: Readonly<Record<string, RolloutForecast>>;
  /** Second of the look at which all are healthy; undefined: not within the time-out. */
  readonly healthyAfterSeconds: number | undefined;
  /** Of the end, with the slow start that is known; calls of AWS and drains come on top. */
  readonly doneAfterSeconds: number | undefined;
}

/** Seconds before the first poll, by the generation of the deployer. */
const BOOT_SECONDS = { odin: 90, "step-asg-deployer": 30 } as const;
/** Seconds between detaching and deleting. The first generation has no such wait. */
const AFTER_DETACH_SECONDS = { odin: 5, "step-asg-deployer": 0 } as const;

/** What the waits of the state machine, the polls and the strategies of a release come to at the very least. */
export function foreseeRelease(
  release: Release,
  previous: Readonly<Record<string, number>>,
  options: { readonly generation: ReleaseConstants["generation"]; readonly slowStartSeconds?: number },
): ReleaseForecast {
  const { generation, slowStartSeconds = 0 } = options;
  const services = Object.fromEntries(
    Object.entries(release.services).map(([name, service]) => {
      const before = Object.hasOwn(previous, name) ? previous[name] : undefined;
      return [name, foreseeService(release, service, { previous: before, boot: BOOT_SECONDS[generation] })];
    }),
  );
  const ends = Object.values(services).map(({ healthyAfterSeconds }) => healthyAfterSeconds);
  const known = ends.filter((end) => end !== undefined);
  const healthy = known.length === ends.length ? Math.max(0, ...known) : undefined;
  const done = healthy === undefined ? undefined : healthy + slowStartSeconds + AFTER_DETACH_SECONDS[generation];
  return { services, healthyAfterSeconds: healthy, doneAfterSeconds: done };
}

/** No release has so many: 48 h with a look every 15 s are 11,520. */
const MOST_LOOKS = 12_000;

function foreseeService(
  { timeout, wait_for_healthy: poll, stable_polls: stablePolls }: Release,
  { autoscaling }: Service,
  { previous, boot }: { readonly previous: number | undefined; readonly boot: number },
): RolloutForecast {
  const plan = planCapacity(autoscaling, previous);
  let group = { min: plan.initial.min, desired: plan.initial.desired };
  let step: GatedStep | undefined;
  let stable = 0;
  const steps = [{ afterSeconds: 0, desired: group.desired }];
  for (let look = 1; look <= MOST_LOOKS; look += 1) {
    const afterSeconds = boot + look * poll;
    if (afterSeconds > timeout) break;
    const instances = { total: group.desired, healthy: group.desired };
    const next = nextCapacity({
      autoscaling,
      plan,
      group,
      instances,
      now: afterSeconds * 1_000,
      ...(step && { step }),
    });
    const isHealthy = instances.healthy >= plan.targetHealthy && isAtLastStep(plan.steps, step);
    stable = isHealthy ? stable + 1 : 0;
    if (stable >= stablePolls) return { steps, healthyAfterSeconds: afterSeconds };
    if (next.applied.desired !== group.desired) steps.push({ afterSeconds, desired: next.applied.desired });
    group = next.applied;
    step = next.step;
  }
  return { steps, healthyAfterSeconds: undefined };
}
