import { describe, expect, it } from "vitest";
import { PRESETS } from "../presets.ts";
import { aDocument, aSeedDocument, type Changes } from "../testing/builders.ts";
import { parseRelease } from "./parse-release.ts";

const WEB = "/services/web";
const SCALING = `${WEB}/autoscaling`;
const SEED = { constants: PRESETS["step-asg-deployer"] };

function faultsOf(document: unknown, options = {}): readonly string[] {
  const parsed = parseRelease(document, options);
  if (parsed.kind === "parsed") return [];
  return parsed.problems.map(({ class: of, code, pointer }) => {
    return of === "BadReleaseError" ? `${code} ${pointer}` : `${of} ${code} ${pointer}`;
  });
}

function messagesOf(document: unknown): readonly string[] {
  const parsed = parseRelease(document);
  return parsed.kind === "parsed" ? [] : parsed.problems.map(({ message }) => message);
}

const hook = { transition: "autoscaling:EC2_INSTANCE_LAUNCHING", role: "hooks", sns: "ready" };
const up = { type: "cpu_scale_up" };
const down = { type: "cpu_scale_down" };
const tracking = { type: "target_tracking", metric: "cpu", target_value: 50 };
const service = { instance_type: "t3.small", security_groups: ["a"] };
const group = { [`${WEB}/placement_group_name`]: "stackyard/acme/shop/web" };

describe("a release is rejected", () => {
  it.each<[string, Changes]>([
    ["release-account-missing /aws_account_id", { "/aws_account_id": undefined }],
    ["release-account-missing /aws_account_id", { "/aws_account_id": "" }],
    ["release-region-missing /aws_region", { "/aws_region": undefined }],
    ["release-id-missing /release_id", { "/release_id": "" }],
    ["release-project-missing /project_name", { "/project_name": undefined }],
    ["release-config-missing /config_name", { "/config_name": "" }],
    ["release-bucket-missing /bucket", { "/bucket": undefined }],
    ["release-created-at-missing /created_at", { "/created_at": undefined }],
    ["release-timeout-too-long /timeout", { "/timeout": 172_801 }],
    ["release-timeout-not-positive /timeout", { "/timeout": 0 }],
    ["release-timeout-not-positive /timeout", { "/timeout": -1 }],
    ["release-detach-strategy-unknown /detach_strategy", { "/detach_strategy": "Skip" }],
    ["release-detach-strategy-unknown /detach_strategy", { "/detach_strategy": "" }],
    ["release-ami-missing /ami", { "/ami": undefined }],
    ["release-user-data-hash-missing /user_data_sha256", { "/user_data_sha256": undefined }],
    ["release-user-data-hash-missing /user_data_sha256", { "/user_data_sha256": "" }],
    ["release-services-empty /services", { "/services": {} }],
    ["release-service-null /services/web", { "/services": { web: null } }],
    ["release-name-unsafe /release_id", { "/release_id": "../other" }],
    ["release-name-unsafe /project_name", { "/project_name": "a//b" }],
    ["release-name-unsafe /config_name", { "/config_name": "a\nb" }],
    ["release-name-too-long /project_name", { "/project_name": "p".repeat(22), "/config_name": "c".repeat(22) }],
    ["release-id-too-long /release_id", { "/release_id": "r".repeat(257) }],
    ["release-subnets-missing /subnets", { "/subnets": [] }],
    ["release-subnets-missing /subnets", { "/subnets": undefined }],
    ["release-item-duplicate /subnets/1", { "/subnets": ["a", "a"] }],
    ["release-item-null /subnets/0", { "/subnets": [null] }],
    ["release-text-empty /subnets/0", { "/subnets": [""] }],
    ["release-out-of-range /stable_polls", { "/stable_polls": 0 }],
    ["release-value-unknown /count_terminations", { "/count_terminations": "all" }],
    ["release-out-of-range /drain_timeout", { "/drain_timeout": 3601 }],
    ["release-value-unknown /drain_timeout_action", { "/drain_timeout_action": "keep" }],
    ["release-out-of-range /rollback_window", { "/rollback_window": -1 }],
    ["release-item-duplicate /alarms/1", { "/alarms": ["a", "a"] }],
    ["release-text-too-long /alarms/0", { "/alarms": ["a".repeat(256)] }],
    ["release-list-length /alarms", { "/alarms": Array.from({ length: 101 }, (_, index) => `a${index}`) }],
  ])("for %s", (fault, changes) => {
    expect(faultsOf(aDocument(changes))).toEqual([fault]);
  });

  it("for services that are not there, and then for subnets, too, if these are neither", () => {
    expect(faultsOf(aDocument({ "/services": undefined }))).toEqual(["release-services-missing /services"]);
    expect(faultsOf(aDocument({ "/services": null, "/subnets": [] }))).toHaveLength(2);
  });
});

describe("a service is rejected", () => {
  it.each<[string, Changes]>([
    ["release-service-name-missing /services/", { "/services": { "": service } }],
    ["release-name-unsafe /services/..", { "/services": { "..": service } }],
    ["release-instance-type-missing /services/web/instance_type", { [`${WEB}/instance_type`]: undefined }],
    ["release-instance-type-missing /services/web/instance_type", { [`${WEB}/instance_type`]: "" }],
    ["release-security-groups-missing /services/web/security_groups", { [`${WEB}/security_groups`]: [] }],
    ["release-security-group-duplicate /services/web/security_groups/1", { [`${WEB}/security_groups`]: ["a", "a"] }],
    ["release-security-group-null /services/web/security_groups/0", { [`${WEB}/security_groups`]: [null] }],
    ["release-elb-duplicate /services/web/elbs/2", { [`${WEB}/elbs`]: ["a", "b", "a"] }],
    ["release-elb-null /services/web/elbs/1", { [`${WEB}/elbs`]: ["a", null] }],
    ["release-target-group-duplicate /services/web/target_groups/1", { [`${WEB}/target_groups`]: ["a", "a"] }],
    ["release-target-group-null /services/web/target_groups/0", { [`${WEB}/target_groups`]: [null] }],
    ["release-text-empty /services/web/spot_price", { [`${WEB}/spot_price`]: "" }],
    ["release-tenancy-unknown /services/web/placement_tenancy", { [`${WEB}/placement_tenancy`]: "host" }],
    ["release-tenancy-unknown /services/web/placement_tenancy", { [`${WEB}/placement_tenancy`]: "" }],
    [
      "release-placement-name-empty /services/web/placement_group_name",
      { [`${WEB}/placement_group_name`]: "", [`${WEB}/placement_group_strategy`]: "spread" },
    ],
    ["release-placement-strategy-missing /services/web/placement_group_strategy", group],
    [
      "release-placement-strategy-unknown /services/web/placement_group_strategy",
      { ...group, [`${WEB}/placement_group_strategy`]: "near" },
    ],
    [
      "release-placement-count-missing /services/web/placement_group_partition_count",
      { ...group, [`${WEB}/placement_group_strategy`]: "partition" },
    ],
    [
      "release-placement-count-range /services/web/placement_group_partition_count",
      { ...group, [`${WEB}/placement_group_strategy`]: "partition", [`${WEB}/placement_group_partition_count`]: 8 },
    ],
    [
      "release-placement-count-foreign /services/web/placement_group_partition_count",
      { ...group, [`${WEB}/placement_group_strategy`]: "spread", [`${WEB}/placement_group_partition_count`]: 2 },
    ],
    ["release-tag-key /services/web/tags/", { [`${WEB}/tags`]: { "": "x" } }],
    ["release-tag-key /services/web/tags/aws:x", { [`${WEB}/tags`]: { "aws:x": "x" } }],
    ["release-tag-key /services/web/tags/stackyard:retired-at", { [`${WEB}/tags/stackyard:retired-at`]: "now" }],
    [`release-tag-key /services/web/tags/${"k".repeat(129)}`, { [`${WEB}/tags`]: { ["k".repeat(129)]: "x" } }],
    ["release-tag-value /services/web/tags/a", { [`${WEB}/tags`]: { a: "v".repeat(257) } }],
    ["release-tags-too-many /services/web/tags", { [`${WEB}/tags`]: tags(45) }],
    ["release-ebs-size /services/web/ebs_volume_size", { [`${WEB}/ebs_volume_size`]: 0 }],
    ["release-ebs-without-size /services/web/ebs_iops", { [`${WEB}/ebs_iops`]: 3000 }],
    ["release-ebs-without-size /services/web/ebs_encrypted", { [`${WEB}/ebs_encrypted`]: true }],
    [
      "release-text-empty /services/web/ebs_volume_type",
      { [`${WEB}/ebs_volume_size`]: 1, [`${WEB}/ebs_volume_type`]: "" },
    ],
    [
      "release-text-empty /services/web/ebs_device_name",
      { [`${WEB}/ebs_volume_size`]: 1, [`${WEB}/ebs_device_name`]: "" },
    ],
    [
      "release-ebs-throughput-foreign /services/web/ebs_throughput",
      { [`${WEB}/ebs_volume_size`]: 1, [`${WEB}/ebs_volume_type`]: "io2", [`${WEB}/ebs_throughput`]: 200 },
    ],
    [
      "release-ebs-iops-foreign /services/web/ebs_iops",
      { [`${WEB}/ebs_volume_size`]: 1, [`${WEB}/ebs_volume_type`]: "gp2", [`${WEB}/ebs_iops`]: 200 },
    ],
    [
      "release-ebs-key-unused /services/web/ebs_kms_key",
      { [`${WEB}/ebs_volume_size`]: 1, [`${WEB}/ebs_kms_key`]: "k" },
    ],
    [
      "release-ebs-iops-missing /services/web/volumes/0/iops",
      { [`${WEB}/volumes`]: [{ device: "/dev/sdf", size: 1, type: "io1" }] },
    ],
    ["release-member-missing /services/web/volumes/0/size", { [`${WEB}/volumes`]: [{ device: "/dev/sdf" }] }],
    ["release-item-null /services/web/volumes/0", { [`${WEB}/volumes`]: [null] }],
    [
      "release-value-unknown /services/web/volumes/0/type",
      { [`${WEB}/volumes`]: [{ device: "/dev/sdf", size: 1, type: "ssd" }] },
    ],
    [
      "release-ebs-device-twice /services/web/volumes/0/device",
      { [`${WEB}/ebs_volume_size`]: 1, [`${WEB}/volumes`]: [{ device: "/dev/xvda", size: 1 }] },
    ],
    ["release-out-of-range /services/web/metadata_hop_limit", { [`${WEB}/metadata_hop_limit`]: 65 }],
    ["release-value-unknown /services/web/metadata_tokens", { [`${WEB}/metadata_tokens`]: "none" }],
    ["release-out-of-range /services/web/on_demand_percentage", { [`${WEB}/on_demand_percentage`]: 101 }],
    ["release-instance-type-twice /services/web/instance_types/0", { [`${WEB}/instance_types`]: ["t3.small"] }],
    ["release-text-unknown /services/web/termination_policies/0", { [`${WEB}/termination_policies`]: ["Biggest"] }],
    ["release-text-empty /services/web/ami", { [`${WEB}/ami`]: "" }],
    ["release-list-length /services/web/subnets", { [`${WEB}/subnets`]: [] }],
    ["release-hook-null /services/web/lifecycle/a", { [`${WEB}/lifecycle`]: { a: null } }],
    ["release-depends-on-unknown /services/web/depends_on/0", { [`${WEB}/depends_on`]: ["db"] }],
    ["release-depends-on-circle /services/web/depends_on", { [`${WEB}/depends_on`]: ["web"] }],
  ])("for %s", (fault, changes) => {
    expect(faultsOf(aDocument(changes))).toEqual([fault]);
  });

  it("for a name that makes its group's longer than 255 characters", () => {
    const rest = "acme/shop-development-2026-03-04T05-06-07Z-".length;

    expect(faultsOf(aDocument({ "/services": { ["s".repeat(255 - rest)]: service } }))).toEqual([]);
    expect(faultsOf(aDocument({ "/services": { ["s".repeat(256 - rest)]: service } }))).toEqual([
      `release-service-name-too-long /services/${"s".repeat(256 - rest)}`,
    ]);
  });

  it("for such a name in the first generation, where it has letters, too", () => {
    const rest = "acme/shop-development--2026-03-04T05-06-07Z-abcdefg".length;
    const changes = (count: number) => ({ "/services": { ["s".repeat(count)]: service } });

    expect(faultsOf(aSeedDocument(changes(255 - rest)), SEED)).toEqual([]);
    expect(faultsOf(aSeedDocument(changes(256 - rest)), SEED)).toHaveLength(1);
  });

  it("but not for what is at the limit", () => {
    const changes = {
      "/timeout": 172_800,
      "/project_name": "p".repeat(22),
      "/config_name": "c".repeat(21),
      "/ami": "",
      [`${WEB}/tags`]: { ...tags(44), Name: "overwritten" },
      [`${SCALING}/spread`]: 1,
      [`${SCALING}/min_size`]: 0,
      [`${SCALING}/max_size`]: 0,
      ...group,
      [`${WEB}/placement_group_strategy`]: "partition",
      [`${WEB}/placement_group_partition_count`]: 7,
    };

    expect(faultsOf(aDocument(changes))).toEqual([]);
  });

  it("for a circle of services, naming all of them", () => {
    const needing = (name: string) => ({ ...service, depends_on: [name] });
    const services = { a: needing("b"), b: needing("c"), c: needing("b"), d: needing("a") };

    expect(messagesOf(aDocument({ "/services": services }))).toEqual([
      'Release(release-2026-03-04T05-06-07Z-abcdefg) Error: Services wait for each other: "b" → "c" → "b". Remove one depends_on.',
    ]);
  });
});

describe("capacities are rejected", () => {
  it.each<[string, Changes]>([
    ["strategy-unknown /strategy", { strategy: "allatonce" }],
    ["strategy-unknown /strategy", { strategy: "" }],
    ["min-above-max /min_size", { min_size: 3 }],
    ["min-above-max /min_size", { min_size: 3, max_size: 2 }],
    ["spread-out-of-range /spread", { spread: 1.01 }],
    ["spread-out-of-range /spread", { spread: -0.1 }],
    ["size-negative /min_size", { min_size: -1 }],
    ["size-negative /max_terms", { max_terms: -1 }],
    ["out-of-range /default_cooldown", { default_cooldown: -1 }],
    ["steps-missing /steps", { strategy: "GatedSteps" }],
    ["list-length /steps", { strategy: "GatedSteps", steps: [] }],
    ["steps-not-gated /steps", { strategy: "GatedCanary", steps: [1] }],
    ["steps-not-gated /steps", { steps: [1] }],
    ["steps-not-rising /steps/1", { strategy: "GatedSteps", steps: [2, 2] }],
    ["steps-not-rising /steps/2", { strategy: "GatedSteps", steps: [2, "50%", "20%"] }],
    ["out-of-range /steps/0", { strategy: "GatedSteps", steps: [0] }],
    ["text-unknown /steps/0", { strategy: "GatedSteps", steps: ["101%"] }],
    ["item-null /steps/0", { strategy: "GatedSteps", steps: [null] }],
    ["bake-time-not-gated /bake_time", { bake_time: 10 }],
    ["policy-null /policies/0", { policies: [null] }],
    ["policy-type-missing /policies/0/type", { policies: [{}] }],
    ["policy-type-unknown /policies/0/type", { policies: [{ type: "memory" }] }],
    ["policy-period /policies/0/period", { policies: [{ ...up, period: 0 }] }],
    ["out-of-range /policies/0/evaluation_periods", { policies: [{ ...up, evaluation_periods: 0 }] }],
    ["policy-sign /policies/0/scaling_adjustment", { policies: [{ ...up, scaling_adjustment: -1 }] }],
    ["policy-sign /policies/0/scaling_adjustment", { policies: [{ ...down, scaling_adjustment: 0 }] }],
    ["policy-duplicate /policies/1/name", { policies: [up, up] }],
    ["policy-duplicate /policies/2/name", { policies: [{ ...up, name: "a" }, up, { ...up, name: "a" }] }],
    ["policy-foreign-key /policies/0/metric", { policies: [{ ...up, metric: "cpu" }] }],
    ["policy-foreign-key /policies/0/threshold", { policies: [{ ...tracking, threshold: 1 }] }],
    ["policy-incomplete /policies/0/metric", { policies: [{ ...tracking, metric: undefined }] }],
    ["policy-incomplete /policies/0/target_value", { policies: [{ ...tracking, target_value: undefined }] }],
    ["out-of-range /policies/0/target_value", { policies: [{ ...tracking, target_value: 0 }] }],
    ["value-unknown /policies/0/metric", { policies: [{ ...tracking, metric: "memory" }] }],
    ["policy-incomplete /policies/0/target_group", { policies: [{ ...tracking, metric: "alb_requests_per_target" }] }],
    ["policy-incomplete /policies/0/custom_metric", { policies: [{ ...tracking, metric: "custom" }] }],
    [
      "policy-incomplete /policies/0/custom_metric",
      { policies: [{ ...tracking, custom_metric: { namespace: "a", name: "b", statistic: "Sum" } }] },
    ],
    [
      "member-missing /policies/0/custom_metric/namespace",
      { policies: [{ ...tracking, metric: "custom", custom_metric: { name: "b", statistic: "Sum" } }] },
    ],
    ["policy-name-too-long /policies/0/name", { policies: [{ ...up, name: "n".repeat(200) }] }],
  ])("for %s", (fault, autoscaling) => {
    const [code, pointer] = fault.split(" ");

    expect(faultsOf(aDocument({ [SCALING]: autoscaling }))).toEqual([`release-${code} ${SCALING}${pointer}`]);
  });

  it("for a target group that the service does not have", () => {
    const policy = { ...tracking, metric: "alb_requests_per_target", target_group: "b" };
    const changes = { [`${WEB}/target_groups`]: ["a"], [`${SCALING}/policies`]: [policy] };

    expect(faultsOf(aDocument(changes))).toEqual([`release-policy-incomplete ${SCALING}/policies/0/target_group`]);
  });

  it.each([1, 10, 20, 30, 45, 60, 300, 3600])("but not for a period of %i s", (period) => {
    expect(faultsOf(aDocument({ [`${SCALING}/policies`]: [{ ...up, period }] }))).toEqual([]);
  });

  it("but not for two policies of one type without names", () => {
    expect(faultsOf(aSeedDocument({ [`${SCALING}/policies`]: [up, up] }), SEED)).toEqual([]);
  });
});

describe("hooks are rejected", () => {
  it.each<[string, unknown]>([
    ["release-hook-null /lifecycle/a", null],
    ["release-hook-transition-missing /lifecycle/a/transition", { ...hook, transition: undefined }],
    ["release-hook-transition-unknown /lifecycle/a/transition", { ...hook, transition: "launching" }],
    ["release-hook-role-missing /lifecycle/a/role", { ...hook, role: undefined }],
    ["release-hook-role-missing /lifecycle/a/role", { ...hook, role_arn: "" }],
    ["release-hook-topic-missing /lifecycle/a/sns", { ...hook, sns: undefined }],
    ["release-hook-topic-foreign /lifecycle/a/role", { ...hook, sns: undefined, event_bridge: true }],
    ["release-hook-role-missing /lifecycle/a/role", { ...hook, role: undefined, event_bridge: false }],
    ["release-value-unknown /lifecycle/a/default_result", { ...hook, default_result: "RETRY" }],
    ["release-hook-heartbeat /lifecycle/a/heartbeat_timeout", { ...hook, heartbeat_timeout: 29 }],
    ["release-hook-heartbeat /lifecycle/a/heartbeat_timeout", { ...hook, heartbeat_timeout: 7201 }],
  ])("for %s", (fault, value) => {
    expect(faultsOf(aDocument({ "/lifecycle/a": value }))).toEqual([fault]);
  });

  it("for an empty name", () => {
    expect(faultsOf(aDocument({ "/lifecycle": { "": hook } }))).toEqual(["release-hook-name /lifecycle/"]);
  });
});

describe("the order of problems", () => {
  const broken: Changes = {
    "/aws_account_id": "",
    "/created_at": "2020-01-01T00:00:00Z",
    "/timeout": 0,
    "/ami": undefined,
    "/lifecycle": { a: null },
    "/subnets": [],
    "/alarms": [""],
    "/stable_polls": 0,
    "/services": {
      web: { ...service, security_groups: [], ebs_encrypted: true },
      api: { ...service, instance_type: "", autoscaling: { min_size: 2 }, ebs_volume_size: 0, metadata_hop_limit: 0 },
    },
  };
  const expected = [
    "release-account-missing /aws_account_id",
    "release-created-at-too-old /created_at",
    "release-timeout-not-positive /timeout",
    "release-ami-missing /ami",
    "release-instance-type-missing /services/api/instance_type",
    "release-min-above-max /services/api/autoscaling/min_size",
    "release-hook-null /lifecycle/a",
    "release-ebs-size /services/api/ebs_volume_size",
    "release-security-groups-missing /services/web/security_groups",
    "release-ebs-without-size /services/web/ebs_encrypted",
    "release-subnets-missing /subnets",
    "release-out-of-range /services/api/metadata_hop_limit",
    "release-out-of-range /stable_polls",
    "release-text-empty /alarms/0",
  ];
  const options = { now: Date.parse("2026-01-01T00:00:00Z") };

  it("is the predecessor's, then the schema's", () => {
    expect(faultsOf(aDocument(broken), options)).toEqual(expected);
  });

  it("does not come from the order of the document", () => {
    const reversed = JSON.parse(JSON.stringify(aDocument(broken)), (_, value: unknown) => {
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      return isObject ? Object.fromEntries(Object.entries(value).reverse()) : value;
    });

    expect(faultsOf(reversed, options)).toEqual(expected);
  });
});

describe("messages", () => {
  it("name the release and the service, where they are not those that all releases have", () => {
    const changes = { "/release_id": "r1", "/bucket": "", "/timeout": -5, [`${WEB}/metadata_hop_limit`]: 0 };

    expect(messagesOf(aDocument({ ...changes, [`${WEB}/instance_type`]: "" }))).toEqual([
      "bucket must be defined: where the deployer keeps releases.",
      "Release(r1) Error: timeout is -5 s. It must be at least 1.",
      "Release(r1) Error: Service(web) Error: instance_type must be defined, such as t3.small.",
      "Release(r1) Error: Service(web) Error: /services/web/metadata_hop_limit is 0; it must be at least 1 and at most 64.",
    ]);
  });

  it("name no release that has no id", () => {
    expect(messagesOf(aDocument({ "/release_id": undefined, "/ami": undefined }))[1]).toBe(
      "Release Error: AMI image must be provided: an id, or a Name.",
    );
  });
});

function tags(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, "value"]));
}
