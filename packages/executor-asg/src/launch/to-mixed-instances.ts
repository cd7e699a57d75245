import type { LaunchTemplateSpecification, MixedInstancesPolicy } from "@aws-sdk/client-auto-scaling";
import type { Service } from "../document/release.ts";

/** True where a group is of several types, or of Spot and on-demand instances. */
export function isMixed(service: Service): boolean {
  const { instance_types, on_demand_base_capacity, on_demand_percentage } = service;
  return instance_types.length > 0 || on_demand_base_capacity !== undefined || on_demand_percentage !== undefined;
}

/**
 * The policy of such a group. Types are taken in the order of the document for on-demand instances; for Spot by price and
 * capacity, as Auto Scaling recommends. A price alone asks for Spot instances alone, as it does in a group of one type.
 * Source: Auto Scaling API reference, "InstancesDistribution".
 */
export function toMixedInstances(service: Service, template: LaunchTemplateSpecification): MixedInstancesPolicy {
  const types = [...new Set([service.instance_type, ...service.instance_types])];
  const isSpot = service.spot_price !== undefined;
  return {
    LaunchTemplate: {
      LaunchTemplateSpecification: template,
      Overrides: types.map((InstanceType) => ({ InstanceType })),
    },
    InstancesDistribution: {
      OnDemandAllocationStrategy: "prioritized",
      OnDemandBaseCapacity: service.on_demand_base_capacity ?? 0,
      OnDemandPercentageAboveBaseCapacity: service.on_demand_percentage ?? (isSpot ? 0 : 100),
      SpotAllocationStrategy: "price-capacity-optimized",
      ...(isSpot && { SpotMaxPrice: service.spot_price }),
    },
  };
}
