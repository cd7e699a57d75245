import { foundOf } from "../lookups/found-of.ts";
import type { ServiceLookUps } from "../lookups/load-release-look-ups.ts";
import type { ResourceProblem } from "../lookups/look-up.ts";

type Looks = Pick<ServiceLookUps, "subnets" | "securityGroups" | "elbs" | "targetGroups">;

/**
 * A group stands in one VPC with its subnets, security groups and load balancers ("CreateAutoScalingGroup", VPCZoneIdentifier;
 * "CreateLaunchTemplate", SecurityGroupIds). What AWS does not tell the VPC of is not judged.
 */
export function findNetworkProblems(looks: Looks): readonly ResourceProblem[] {
  const subnets = foundOf(looks.subnets).flat();
  const [vpc, ...others] = [...new Set(subnets.flatMap((each) => each.vpc || []))];
  if (vpc === undefined) return [];
  if (others.length > 0) {
    const places = subnets.map((each) => `${each.id} in ${each.vpc}`).join(", ");
    return [{ code: "release-subnets-apart", message: `Subnets must be of one VPC: ${places}.` }];
  }
  return toNeighbours(looks)
    .filter((each) => each.vpc !== undefined && each.vpc !== "" && each.vpc !== vpc)
    .map((each) => ({
      code: "release-resource-apart",
      message: `${each.what} is in ${each.vpc}, and the subnets are in ${vpc}. They must be in one VPC.`,
    }));
}

interface Neighbour {
  readonly what: string;
  readonly vpc: string | undefined;
}

function toNeighbours({ securityGroups, elbs, targetGroups }: Looks): readonly Neighbour[] {
  return [
    ...foundOf(securityGroups)
      .flat()
      .map(({ id, name = id, vpc }) => ({ what: `Security group "${name}"`, vpc })),
    ...elbs.flatMap(foundOf).map(toBalancer),
    ...targetGroups.flatMap(foundOf).map(toTargetGroup),
  ];
}

function toBalancer({ name, vpc }: { readonly name: string; readonly vpc?: string }): Neighbour {
  return { what: `Load balancer "${name}"`, vpc };
}

function toTargetGroup({ name, vpc }: { readonly name: string; readonly vpc?: string }): Neighbour {
  return { what: `Target group "${name}"`, vpc };
}
