import type { Construct } from "constructs";
import { CallFunction } from "../functions/call-function.ts";

/** The function to call. */
export interface FleetRulesProps {
  readonly functionName: string;
  readonly functionArn: string;
  /** `ENABLED` or `DISABLED`: instances that start. */
  readonly bootState: string;
}

/** Adds the rules of a fleet: for instances that start, for launches that wait, and for the check each minute. */
export function addFleetRules(scope: Construct, { bootState, ...called }: FleetRulesProps): void {
  new CallFunction(scope, "Boot", {
    ...called,
    state: bootState,
    description: "Configures instances that have started; those without the tag are left alone.",
    eventPattern: {
      source: ["aws.ec2"],
      "detail-type": ["EC2 Instance State-change Notification"],
      detail: { state: ["running"] },
    },
  });
  new CallFunction(scope, "Launch", {
    ...called,
    description: "Configures instances whose launch waits for it (a lifecycle hook of an Auto Scaling group).",
    eventPattern: { source: ["aws.autoscaling"], "detail-type": ["EC2 Instance-launch Lifecycle Action"] },
  });
  new CallFunction(scope, "Minute", {
    ...called,
    description: "Ends launches whose runs have ended, and records what became the current artifact.",
    schedule: "rate(1 minute)",
  });
}
