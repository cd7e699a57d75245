import type { Clock } from "@stackyard/core";
import { createIdentities, type Identities } from "../identities.ts";
import { queryFaults } from "../query-faults.ts";
import type { SimService } from "../sim-call.ts";
import { getInstanceProfile, getRole } from "./iam-operations.ts";
import { createInstanceProfile, type InstanceProfile, type InstanceProfileInput } from "./instance-profile.ts";

/** Users, roles, credentials and instance profiles. */
export interface SimIam extends Identities {
  readonly service: SimService;
  /** Gives the ARN. */
  addInstanceProfile(input: InstanceProfileInput): string;
  removeInstanceProfile(arn: string): void;
}

/** IAM without anybody. It is one for all regions ("Amazon IAM endpoints"). Source: API reference (2010-05-08). */
export function createIam({ clock }: { readonly clock: Clock }): SimIam {
  const identities = createIdentities();
  const profiles = new Map<string, InstanceProfile>();
  return {
    ...identities,
    service: {
      operations: {
        GetInstanceProfile: (call) => getInstanceProfile([...profiles.values()], identities, call),
        GetRole: (call) => getRole(identities, call),
      },
      toAction: (operation) => `iam:${operation}`,
      faults: queryFaults,
    },
    addInstanceProfile(input) {
      const profile = createInstanceProfile(input, clock.now());
      profiles.set(profile.arn, profile);
      return profile.arn;
    },
    removeInstanceProfile: (arn) => void profiles.delete(arn),
  };
}
