import { queryFaults } from "../service-faults.ts";
import { type SimCall, type SimService, textsOf } from "../sim-call.ts";
import {
  balancingFaults,
  createTargetGroup,
  describeTargetGroupAttributes,
  describeTargetGroups,
  describeTargetHealth,
  drainMsOf,
  modifyTargetGroupAttributes,
  openTargetGroup,
  PORT,
  type TargetGroup,
  type TargetGroupInput,
  type TargetGroups,
} from "./target-groups.ts";
import type { FindSource, TargetInput } from "./targets.ts";

/** Target groups and how their targets are. */
export interface SimLoadBalancing {
  readonly service: SimService;
  /** Gives the ARN. */
  addTargetGroup(input: TargetGroupInput): string;
  /** Registers a target, or changes it from an instant on. */
  setTarget(targetGroupArn: string, target: TargetInput): void;
  /** A target group as Auto Scaling works with it. */
  readonly findSource: FindSource;
}

/** Creates Elastic Load Balancing without load. Source: API reference (2015-12-01). */
export function createLoadBalancing(): SimLoadBalancing {
  const groups = new Map<string, TargetGroup>();
  let made = 0;
  return {
    service: {
      operations: {
        DescribeTags: (call) => describeTags(groups, call),
        DescribeTargetGroupAttributes: (call) => describeTargetGroupAttributes(groups, call),
        DescribeTargetGroups: (call) => describeTargetGroups(groups, call),
        DescribeTargetHealth: (call) => describeTargetHealth(groups, call),
        ModifyTargetGroupAttributes: (call) => modifyTargetGroupAttributes(groups, call),
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
    setTarget: (arn, target) => groups.get(arn)?.targets.set(target),
    findSource({ account, region, id }) {
      const group = groups.get(id);
      if (group === undefined || group.account !== account || group.region !== region) return;
      return { targets: group.targets, drainMs: drainMsOf(group), port: PORT };
    },
  };
}

/** "DescribeTags": up to 20 resources in a single call. */
const MAX_RESOURCES = 20;

/** Implements DescribeTags of target groups: one that is missing fails the whole request. */
function describeTags(groups: TargetGroups, call: SimCall): unknown {
  const arns = textsOf(call.input, "ResourceArns");
  if (arns.length === 0) throw queryFaults.invalid("At least one resource must be specified");
  if (arns.length > MAX_RESOURCES) {
    throw queryFaults.invalid(`The maximum number of resources that can be described at once is ${MAX_RESOURCES}`);
  }
  return {
    TagDescriptions: arns.map((ResourceArn) => {
      const { tags } = openTargetGroup(groups, ResourceArn, call);
      return { ResourceArn, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
    }),
  };
}
