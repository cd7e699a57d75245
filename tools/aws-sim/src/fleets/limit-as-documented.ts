import type { AwsSim } from "../aws-sim.ts";
import type { ThrottleInput } from "../throttle.ts";

/**
 * Rates of the services of fleets, per account and region. Source: EC2 developer guide, "Request throttling for the Amazon EC2
 * API": non-mutating actions have a bucket of 100 tokens, refilled by 20 a second. Systems Manager documents none for Run
 * Command; one a second is what tests count on.
 */
const RATES: Readonly<Record<string, ThrottleInput>> = {
  "EC2.DescribeInstances": { perSecond: 20, burst: 100 },
  "SSM.SendCommand": { perSecond: 1 },
};

/** Throttles the services of fleets as AWS does, or more. */
export function limitAsDocumented(sim: Pick<AwsSim, "limit">): void {
  for (const [operation, limit] of Object.entries(RATES)) sim.limit(operation, limit);
}
