import { randomUUID } from "node:crypto";
import { recordsOf, textsOf } from "../input-lists.ts";
import { type SimCall, textOf } from "../sim-call.ts";
import { toCauseTime } from "./activity.ts";
import { autoScalingFaults as faults } from "./auto-scaling-faults.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import { readHook } from "./change-hooks.ts";
import { checkPermissions } from "./check-permissions.ts";
import { type GroupKey, toGroupKey } from "./group-key.ts";
import { mergeTags } from "./group-tags.ts";
import { toHookKey } from "./lifecycle-hooks.ts";
import { readSettings } from "./read-settings.ts";
import type { GroupSettings, SimGroup } from "./sim-group.ts";
import { checkSources, toRefs } from "./traffic-operations.ts";

/** "CreateAutoScalingGroup", AutoScalingGroupName: ASCII 33 to 126 without a colon, at most 255. */
const NAME = /^[\x21-\x39\x3b-\x7e]{1,255}$/;

/** CreateAutoScalingGroup. The first instances are launched a little later. Source: API reference. */
export function createGroup(state: AutoScalingState, call: SimCall): unknown {
  const { input, identity, region, now } = call;
  const name = textOf(input, "AutoScalingGroupName");
  const key = { account: identity.account, region, name };
  checkName(state, key);
  const settings = readSettings(state, call, NO_SETTINGS);
  if (settings.source === NO_SETTINGS.source) {
    throw faults.invalid(
      "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.",
    );
  }
  checkPermissions(state, call, settings.source);
  if (settings.availabilityZones.length === 0) {
    throw faults.invalid("At least one Availability Zone or VPC Subnet is required.");
  }
  const refs = [
    ...toRefs(call, "classic", textsOf(input, "LoadBalancerNames")),
    ...toRefs(call, "targetGroup", textsOf(input, "TargetGroupARNs")),
  ];
  checkSources(state, refs);
  const hooks = recordsOf(input, "LifecycleHookSpecificationList").map((each) => readHook(key, each));
  const tags = mergeTags([], recordsOf(input, "Tags"));
  const group = toGroup(state, key, { settings, now });
  group.tags = tags;
  group.sources = refs.map((ref) => ({ ref, attachedAt: now, removedAt: undefined }));
  for (const hook of hooks) state.lifecycle.hooks.set(toHookKey(hook), hook);
  group.changes = [
    `At ${toCauseTime(now)} a user request created an AutoScalingGroup changing the desired capacity from 0 to ${settings.desired}.`,
  ];
  group.scaleAt = now + state.settings.reactionMs;
  state.groups.set(toGroupKey(group), group);
  return {};
}

/** A group without instances. */
export function toGroup(
  { settings: { describeLagMs } }: AutoScalingState,
  key: GroupKey,
  { settings, now }: { readonly settings: GroupSettings; readonly now: number },
): SimGroup {
  const { account, region, name } = key;
  return {
    account,
    region,
    name,
    settings,
    createdAt: now,
    visibleAt: now + describeLagMs,
    arn: `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:${randomUUID()}:autoScalingGroupName/${name}`,
    tags: [],
    sources: [],
    members: [],
    activities: [],
    changes: [],
    failures: 0,
    isDeleting: false,
    policies: new Map(),
    suspended: new Map(),
    metrics: new Set(),
    scaleAt: Number.POSITIVE_INFINITY,
  };
}

/** What a new group has where nobody says otherwise. */
export const NO_SETTINGS: GroupSettings = {
  min: 0,
  max: 0,
  desired: 0,
  healthCheckType: "EC2",
  graceSeconds: 0,
  subnets: [],
  availabilityZones: [],
  placementGroup: undefined,
  terminationPolicies: ["Default"],
  isProtected: false,
  source: { kind: "configuration", name: "" },
  others: { DefaultCooldown: 300 },
};

function checkName({ groups, settings }: AutoScalingState, key: GroupKey): void {
  const { name } = key;
  if (!NAME.test(name)) {
    throw faults.constraint(
      "autoScalingGroupName",
      name,
      "be 1 to 255 printable ASCII characters without spaces and colons",
    );
  }
  if (groups.has(toGroupKey(key))) {
    throw faults.exists(`AutoScalingGroup by this name already exists - A group with the name ${name} already exists`);
  }
  const own = [...groups.values()].filter(({ account, region }) => account === key.account && region === key.region);
  if (own.length >= settings.quotas.groups) {
    throw faults.limit(`The limit of ${settings.quotas.groups} AutoScalingGroups has been reached.`);
  }
}
