import type { TrafficSourceRef, TrafficSources } from "../auto-scaling/traffic-source.ts";
import type { TargetStates } from "./target-states.ts";

/** One load balancer of one kind. */
export interface TrafficSource {
  readonly targets: TargetStates;
  readonly drainMs: number;
  /** Instances are registered under it; undefined: the load balancer has many or none. */
  readonly port: number | undefined;
}

/** Undefined: there is none in that account and region. */
export type FindSource = (ref: TrafficSourceRef) => TrafficSource | undefined;

/** The load balancers of both generations, as Auto Scaling works with them. A source that is gone is healthy for nobody. */
export function createTrafficSources(findSource: FindSource): TrafficSources {
  return {
    exists: (ref) => findSource(ref) !== undefined,
    register(ref, id, course) {
      const source = findSource(ref);
      const port = source?.port;
      source?.targets.register({ id, ...(port === undefined ? {} : { port }) }, course);
    },
    deregister(ref, id, now) {
      const source = findSource(ref);
      return source?.targets.deregister({ id }, { now, drainMs: source.drainMs }) ?? now;
    },
    isHealthy: (ref, id, now) => findSource(ref)?.targets.find(id, now)?.state === "healthy",
  };
}
