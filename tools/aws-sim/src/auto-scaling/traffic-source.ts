/** A target group by its ARN, or a classic load balancer by its name: what a group registers its instances with. */
export interface TrafficSourceRef {
  readonly account: string;
  readonly region: string;
  readonly kind: "targetGroup" | "classic";
  /** ARN of a target group, name of a classic load balancer. */
  readonly id: string;
}

/** When an instance answers a load balancer, in epoch milliseconds. */
export interface TargetCourse {
  /** From then on it answers well. */
  readonly healthyAt: number;
  /** From then on it does not any more. */
  readonly unhealthyAt?: number;
}

/** The load balancers, as Auto Scaling works with them. */
export interface TrafficSources {
  exists(source: TrafficSourceRef): boolean;
  register(source: TrafficSourceRef, instanceId: string, course: TargetCourse): void;
  /** Begins to drain; gives the instant at which the last connection is gone. */
  deregister(source: TrafficSourceRef, instanceId: string, now: number): number;
  /** Does the load balancer take it for healthy? */
  isHealthy(source: TrafficSourceRef, instanceId: string, now: number): boolean;
}
