import type { AlarmPolicy, Autoscaling, LifecycleHook, Release, Service } from "../document/release.ts";
import type { ReleaseState } from "../release-state.ts";

/** Where the releases of tests go to. */
export const TARGET = { account: "111122223333", region: "eu-west-1", partition: "aws" } as const;

/** Says which service of which release a server is. */
export const USER_DATA = "#!/bin/sh\necho {{SERVICE_NAME}} of {{RELEASE_ID}}\n";
/** SHA-256 of it. */
export const USER_DATA_SHA256 = "01adc58098da24040e5e434adbbfff1fff92e606a63538ac59e3784c6d0e6131";

/** A release of one service `web`, with the defaults that a parsed document has. */
export function aRelease(over: Partial<Release> = {}): Release {
  return {
    aws_account_id: TARGET.account,
    aws_region: TARGET.region,
    release_id: "release-2",
    bucket: "releases",
    project_name: "org/shop",
    config_name: "production",
    created_at: "2026-01-01T00:00:00Z",
    timeout: 600,
    metadata: {},
    safe_release: false,
    subnets: ["private-a", "private-b"],
    ami: "base",
    lifecycle: {},
    user_data_sha256: USER_DATA_SHA256,
    services: { web: aService() },
    detach_strategy: "Detach",
    wait_for_healthy: 15,
    stable_polls: 1,
    keep_scaled_capacity: false,
    count_terminations: "snapshot",
    drain_timeout: 600,
    drain_timeout_action: "delete",
    drain_hooks: false,
    rollback_window: 0,
    alarms: [],
    ...over,
  };
}

/** The service `web`: one server with one security group. */
export function aService(over: Partial<Service> = {}): Service {
  return {
    service_name: "web",
    instance_type: "t3.micro",
    instance_types: [],
    security_groups: ["web"],
    elbs: [],
    target_groups: [],
    tags: {},
    autoscaling: anAutoscaling(),
    volumes: [],
    metadata_tokens: "required",
    metadata_hop_limit: 1,
    depends_on: [],
    ...over,
  };
}

/** One server, all at once. */
export function anAutoscaling(over: Partial<Autoscaling> = {}): Autoscaling {
  return {
    min_size: 1,
    max_size: 1,
    spread: 0,
    max_terms: 0,
    health_check_grace_period: 600,
    strategy: "AllAtOnce",
    steps: [],
    bake_time: 0,
    policies: [],
    ...over,
  };
}

/** More servers above half of the CPU. */
export function anAlarmPolicy(over: Partial<AlarmPolicy> = {}): AlarmPolicy {
  return {
    type: "cpu_scale_up",
    scaling_adjustment: 1,
    threshold: 50,
    period: 300,
    evaluation_periods: 2,
    cooldown: 60,
    ...over,
  };
}

/** A hook at the launch, with role and topic of the target account. */
export function aHook(over: Partial<LifecycleHook> = {}): LifecycleHook {
  return {
    name: "ready",
    transition: "autoscaling:EC2_INSTANCE_LAUNCHING",
    role: "hooks",
    sns: "hooks",
    role_arn: `arn:aws:iam::${TARGET.account}:role/hooks`,
    notification_target_arn: `arn:aws:sns:${TARGET.region}:${TARGET.account}:hooks`,
    ...over,
  };
}

/** The state of a release that has its locks and nothing else. */
export function aState(over: Partial<ReleaseState> = {}): ReleaseState {
  return {
    uuid: "release-2026-01-01T00-00-10Z-abcdefg",
    started_at: "2026-01-01T00:00:10.000Z",
    healthy: false,
    wait_for_detach: 0,
    services: {},
    fencing_token: 7,
    ...over,
  };
}
