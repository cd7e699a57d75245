/** How an instance of a group lives. Times are milliseconds since its launch. */
export interface LaunchScript {
  /** Until it leaves `Pending`. Default: 30 seconds. */
  readonly bootMs?: number;
  /** From then on load balancers find it healthy. Default: 20 seconds after it has booted. */
  readonly healthyAfterMs?: number;
  /** Load balancers never do. */
  readonly neverHealthy?: boolean;
  /** From then on load balancers find it unhealthy. */
  readonly failsAfterMs?: number;
  /** From then on its EC2 status checks fail: it is replaced. */
  readonly diesAfterMs?: number;
  /** It is not launched at all: a name of `LAUNCH_ERRORS`, or the message of the activity itself. */
  readonly launchError?: string;
}
