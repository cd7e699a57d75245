import type { Release, Service } from "../document/release.ts";
import type { ReleaseConstants } from "../presets.ts";
import { type GatedStep, isAtLastStep, nextCapacity, planCapacity } from "./capacity.ts";

/** Earliest possible rollout of a service: every instance is healthy at its first check. */
export interface RolloutForecast {
  /** Desired capacities of the group, and the second after the start of Deploy from which they apply. */
  readonly steps: readonly { readonly afterSeconds: number; readonly desired: number }[];
  /** Second of the check at which it is healthy. Undefined: not within the timeout. */
  readonly healthyAfterSeconds: number | undefined;
}

/** Shortest possible duration of a release. */
export interface ReleaseForecast {
  readonly services: Readonly<Record<string, RolloutForecast>>;
  /** Second of the check at which all services are healthy. Undefined: not within the timeout. */
  readonly healthyAfterSeconds: number | undefined;
  /** Second of the end, including slow start. AWS calls and drains are not included. */
  readonly doneAfterSeconds: number | undefined;
}

/** Seconds before the first poll, by the generation of the deployer. */
const BOOT_SECONDS = { odin: 90, "step-asg-deployer": 30 } as const;

/** Seconds between detaching and deleting. The first generation has no such wait. */
const AFTER_DETACH_SECONDS = { odin: 5, "step-asg-deployer": 0 } as const;

/** Forecasts the shortest duration of a release from the waits of the state machine, the checks and the strategies. */
export function forecastRelease(
  release: Release,
  previous: Readonly<Record<string, number>>,
  options: { readonly generation: ReleaseConstants["generation"]; readonly slowStartSeconds?: number },
): ReleaseForecast {
  const { generation, slowStartSeconds = 0 } = options;
  const services = Object.fromEntries(
    Object.entries(release.services).map(([name, service]) => {
      const before = Object.hasOwn(previous, name) ? previous[name] : undefined;
      return [name, forecastService(release, service, { previous: before, boot: BOOT_SECONDS[generation] })];
    }),
  );
  const ends = Object.values(services).map(({ healthyAfterSeconds }) => healthyAfterSeconds);
  const known = ends.filter((end) => end !== undefined);
  const healthy = known.length === ends.length ? Math.max(0, ...known) : undefined;
  const done = healthy === undefined ? undefined : healthy + slowStartSeconds + AFTER_DETACH_SECONDS[generation];
  return { services, healthyAfterSeconds: healthy, doneAfterSeconds: done };
}

/** Upper bound of checks: 48 h with a check every 15 s are 11,520. */
const MOST_LOOKS = 12_000;

function forecastService(
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
