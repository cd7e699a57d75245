import { planCapacity } from "../capacity/plan-capacity.ts";
import type { Release, Strategy } from "../document/release.ts";
import { serviceId } from "../names/service-id.ts";
import { toServiceOrder } from "../service-order.ts";

/** What a release would do for one service. */
export interface ServicePlan {
  readonly service: string;
  /** Name of the group. The first generation draws it when it creates the group. */
  readonly serviceId: string;
  /** Desired capacity of the group that is replaced; absent: there is none. */
  readonly previous?: number;
  /** What the service needs. */
  readonly desired: number;
  /** What is launched, with the spread on top. */
  readonly targetLaunched: number;
  /** So many healthy ones make the service healthy. */
  readonly targetHealthy: number;
  /** What the group is created with. */
  readonly initial: { readonly min: number; readonly desired: number; readonly max: number };
  /** Of a gated strategy: capacities that must be healthy one after the other. */
  readonly steps: readonly number[];
  readonly strategy: Strategy;
}

/** The figures of all services, in the order in which they are created, from the desired capacities of the groups before. */
export function planOffline(release: Release, previous: Readonly<Record<string, number>>): readonly ServicePlan[] {
  return toServiceOrder(release).map((service) => {
    const { service_name: name, autoscaling } = service;
    const before = Object.hasOwn(previous, name) ? previous[name] : undefined;
    return {
      service: name,
      serviceId: serviceId(release, service),
      strategy: autoscaling.strategy,
      ...(before !== undefined && before >= 0 && { previous: before }),
      ...planCapacity(autoscaling, before),
    };
  });
}
