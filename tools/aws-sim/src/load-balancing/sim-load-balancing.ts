import type { SimService } from "../sim-call.ts";
import { balancingFaults } from "./balancing-faults.ts";
import { deregisterTargets, registerTargets } from "./change-targets.ts";
import { describeTags } from "./describe-tags.ts";
import { describeTargetGroups } from "./describe-target-groups.ts";
import { describeTargetHealth } from "./describe-target-health.ts";
import { createTargetGroup, drainMsOf, type TargetGroup, type TargetGroupInput } from "./target-group.ts";
import { describeTargetGroupAttributes, modifyTargetGroupAttributes } from "./target-group-attributes.ts";
import type { TargetInput } from "./target-states.ts";
import type { FindSource } from "./traffic-sources.ts";

/** Target groups and how their targets are. */
export interface SimLoadBalancing {
  readonly service: SimService;
  /** Gives the ARN. */
  addTargetGroup(input: TargetGroupInput): string;
  removeTargetGroup(targetGroupArn: string): void;
  /** Registers a target, or changes it from an instant on. */
  setTarget(targetGroupArn: string, target: TargetInput): void;
  /** All of its tags from now on. */
  setTags(targetGroupArn: string, tags: Readonly<Record<string, string>>): void;
  /** A target group as Auto Scaling works with it. */
  readonly findSource: FindSource;
}

/** Elastic Load Balancing without load. Source: API reference (2015-12-01). */
export function createLoadBalancing(): SimLoadBalancing {
  const groups = new Map<string, TargetGroup>();
  let made = 0;
  return {
    service: {
      operations: {
        DeregisterTargets: (call) => deregisterTargets(groups, call),
        DescribeTags: (call) => describeTags(groups, call),
        DescribeTargetGroupAttributes: (call) => describeTargetGroupAttributes(groups, call),
        DescribeTargetGroups: (call) => describeTargetGroups(groups, call),
        DescribeTargetHealth: (call) => describeTargetHealth(groups, call),
        ModifyTargetGroupAttributes: (call) => modifyTargetGroupAttributes(groups, call),
        RegisterTargets: (call) => registerTargets(groups, call),
      },
      toAction: (operation) => `elasticloadbalancing:${operation}`,
      faults: balancingFaults,
    },
    addTargetGroup(input) {
      made += 1;
      const group = createTargetGroup(input, made);
      groups.set(group.arn, group);
      return group.arn;
    },
    removeTargetGroup: (arn) => void groups.delete(arn),
    setTarget: (arn, target) => groups.get(arn)?.targets.set(target),
    setTags(arn, tags) {
      const group = groups.get(arn);
      if (group !== undefined) group.tags = tags;
    },
    findSource({ account, region, id }) {
      const group = groups.get(id);
      if (group === undefined || group.account !== account || group.region !== region) return;
      return { targets: group.targets, drainMs: drainMsOf(group), port: group.port };
    },
  };
}
