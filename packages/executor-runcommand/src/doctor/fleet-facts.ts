import type { SsmAgent } from "../select-instances.ts";

/** What is known of an instance that a run would work on. */
export interface InstanceFacts {
  readonly instanceId: string;
  readonly vpcId?: string;
  /** Without one it needs endpoints, or a way through a NAT gateway. */
  readonly hasPublicAddress: boolean;
  /** ARN of its instance profile. */
  readonly profileArn?: string;
  /** Undefined: never registered. */
  readonly agent?: SsmAgent;
  readonly metadata: {
    readonly isEnabled: boolean;
    readonly requiresToken: boolean;
    readonly showsTags: boolean;
  };
}

/** What a profile's role may not do, or why nobody knows. */
export type ProfileFacts =
  | { readonly kind: "known"; readonly denied: readonly string[] }
  | { readonly kind: "unknown"; readonly why: string };

/** What `fleet doctor` judges. */
export interface FleetFacts {
  readonly instances: readonly InstanceFacts[];
  /** Names of services that have an endpoint, such as `ssm`, by VPC; undefined: they may not be looked at. */
  readonly endpoints: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  /** By ARN. */
  readonly profiles: ReadonlyMap<string, ProfileFacts>;
}

/** True for an instance that takes commands now. */
export function isOnline({ agent }: InstanceFacts): boolean {
  return agent?.pingStatus === "Online";
}
