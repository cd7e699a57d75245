import type { InstanceFacts } from "../commands/check-fleet.ts";
import { anId } from "./a-run.ts";

/** Returns the facts about the n-th instance: healthy, in a private subnet. */
export function someFacts(number: number, overrides: Partial<InstanceFacts> = {}): InstanceFacts {
  return {
    instanceId: anId(number),
    vpcId: "vpc-1",
    hasPublicAddress: false,
    profileArn: "arn:aws:iam::111122223333:instance-profile/fleet",
    agent: { pingStatus: "Online", agentVersion: "3.3.2746.0", platformType: "Linux" },
    metadata: { isEnabled: true, requiresToken: true, showsTags: false },
    ...overrides,
  };
}

/** Returns the facts about an instance with an unregistered agent. */
export function silentFacts(number: number, overrides: Partial<InstanceFacts> = {}): InstanceFacts {
  const { agent: _, ...facts } = someFacts(number);
  return { ...facts, ...overrides };
}
