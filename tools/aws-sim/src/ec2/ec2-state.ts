import type { LaunchTemplateStore } from "./change-launch-templates.ts";
import type { SimImage } from "./images.ts";
import type { PlacementGroupStore } from "./placement-groups.ts";
import type { SimSecurityGroup } from "./security-groups.ts";
import type { SimInstance } from "./sim-instance.ts";
import type { SimSubnet } from "./subnets.ts";

/** All that EC2 keeps, of all accounts, by id. */
export interface Ec2State extends LaunchTemplateStore, PlacementGroupStore {
  readonly instances: Map<string, SimInstance>;
  readonly images: Map<string, SimImage>;
  readonly subnets: Map<string, SimSubnet>;
  readonly securityGroups: Map<string, SimSecurityGroup>;
  readonly settings: Ec2Settings;
}

/** How late EC2 is. */
export interface Ec2Settings {
  /**
   * How long Describe operations do not know what was made. Source: EC2 developer guide, "Eventual consistency in the Amazon
   * EC2 API".
   */
  describeLagMs: number;
}

/** Nothing yet. */
export function createEc2State(): Ec2State {
  const given = new Map<string, number>();
  const settings: Ec2Settings = { describeLagMs: 0 };
  return {
    instances: new Map(),
    images: new Map(),
    subnets: new Map(),
    securityGroups: new Map(),
    placementGroups: new Map(),
    launchTemplates: new Map(),
    templateTokens: new Map(),
    settings,
    nextId(prefix) {
      const number = (given.get(prefix) ?? 0) + 1;
      given.set(prefix, number);
      return `${prefix}-${number.toString(16).padStart(17, "0")}`;
    },
    seenAt: (now) => now + settings.describeLagMs,
  };
}
