import type { SimCall, SimService } from "../sim-call.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import { catchUp } from "./catch-up.ts";
import { deleteGroup, setDesiredCapacity, updateGroup } from "./change-group.ts";
import { deleteHook, describeHooks, putHook } from "./change-hooks.ts";
import { setInstanceHealth, setInstanceProtection, terminateInstance } from "./change-members.ts";
import { createGroup } from "./create-group.ts";
import { describeActivities } from "./describe-activities.ts";
import { describeGroupInstances, describeGroups } from "./describe-groups.ts";
import { createOrUpdateTags, deleteTags, describeTags } from "./group-tags.ts";
import {
  createConfiguration,
  deleteConfiguration,
  describeConfigurations,
  describeLimits,
} from "./launch-configurations.ts";
import { completeAction, recordHeartbeat } from "./lifecycle-operations.ts";
import { deletePolicy, describePolicies, executePolicy, putPolicy } from "./policies.ts";
import { disableMetrics, enableMetrics, resumeProcesses, suspendProcesses } from "./processes.ts";
import { attachSources, describeSources, detachSources } from "./traffic-operations.ts";

type Serve = (state: AutoScalingState, call: SimCall) => unknown;

const SERVES: Readonly<Record<string, Serve>> = {
  AttachLoadBalancers: (state, call) => attachSources(state, call, "classic"),
  AttachLoadBalancerTargetGroups: (state, call) => attachSources(state, call, "targetGroup"),
  CompleteLifecycleAction: completeAction,
  CreateAutoScalingGroup: createGroup,
  CreateLaunchConfiguration: createConfiguration,
  CreateOrUpdateTags: createOrUpdateTags,
  DeleteAutoScalingGroup: deleteGroup,
  DeleteLaunchConfiguration: deleteConfiguration,
  DeleteLifecycleHook: deleteHook,
  DeletePolicy: deletePolicy,
  DeleteTags: deleteTags,
  DescribeAccountLimits: describeLimits,
  DescribeAutoScalingGroups: describeGroups,
  DescribeAutoScalingInstances: describeGroupInstances,
  DescribeLaunchConfigurations: describeConfigurations,
  DescribeLifecycleHooks: describeHooks,
  DescribeLoadBalancers: (state, call) => describeSources(state, call, "classic"),
  DescribeLoadBalancerTargetGroups: (state, call) => describeSources(state, call, "targetGroup"),
  DescribePolicies: describePolicies,
  DescribeScalingActivities: describeActivities,
  DescribeTags: describeTags,
  DetachLoadBalancers: (state, call) => detachSources(state, call, "classic"),
  DetachLoadBalancerTargetGroups: (state, call) => detachSources(state, call, "targetGroup"),
  DisableMetricsCollection: disableMetrics,
  EnableMetricsCollection: enableMetrics,
  ExecutePolicy: executePolicy,
  PutLifecycleHook: putHook,
  PutScalingPolicy: putPolicy,
  RecordLifecycleActionHeartbeat: recordHeartbeat,
  ResumeProcesses: resumeProcesses,
  SetDesiredCapacity: setDesiredCapacity,
  SetInstanceHealth: setInstanceHealth,
  SetInstanceProtection: setInstanceProtection,
  SuspendProcesses: suspendProcesses,
  TerminateInstanceInAutoScalingGroup: terminateInstance,
  UpdateAutoScalingGroup: updateGroup,
};

/** What Auto Scaling serves; each call sees all that has happened until then. */
export function autoScalingOperations(state: AutoScalingState): SimService["operations"] {
  const served = Object.entries(SERVES).map(([name, serve]) => {
    const operation = (call: SimCall) => {
      catchUp(state, call.now);
      return serve(state, call);
    };
    return [name, operation] as const;
  });
  return Object.fromEntries(served);
}
