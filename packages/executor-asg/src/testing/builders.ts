import { readFileSync } from "node:fs";
import type { ReleaseReport, ServiceReport, Release as YardRelease } from "@stackyard/sdk/releases";
import type { AlarmPolicy, Autoscaling, LifecycleHook, Release, Service } from "../document/release.ts";
import type { LaunchFacts } from "../plan/names.ts";
import { PRESETS } from "../presets.ts";
import type { ReleaseState, ServiceResources } from "../release-state.ts";
import type { Lookup } from "../resources/lookup.ts";
import type { ServiceLookups } from "../resources/lookups.ts";

/** Where the releases of tests go to. */
export const TARGET = { account: "111122223333", region: "eu-west-1", partition: "aws" } as const;

/** Shows a server's service and release. */
export const USER_DATA = "#!/bin/sh\necho {{SERVICE_NAME}} of {{RELEASE_ID}}\n";
/** SHA-256 of it. */
export const USER_DATA_SHA256 = "01adc58098da24040e5e434adbbfff1fff92e606a63538ac59e3784c6d0e6131";

/** Returns a release of one service `web`, with the defaults that a parsed document has. */
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

/** Returns the service `web`: one server with one security group. */
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

/** Returns one server, all at once. */
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

/** Returns a policy that adds servers above half of the CPU. */
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

/** Returns a hook at the launch, with role and topic of the target account. */
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

/** Returns the state of a release that has only its locks. */
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

/** Members by JSON pointer; `undefined` removes one. Pointers contain no escapes. */
export type Changes = Readonly<Record<string, unknown>>;

/** Returns a valid document of one service `web`, with changes. */
export function aDocument(changes: Changes = {}, fixture = "odin/one-service"): Record<string, unknown> {
  const document = JSON.parse(releaseFixture(fixture));
  for (const [pointer, value] of Object.entries(changes)) {
    const keys = pointer.split("/").slice(1);
    const last = keys.pop() ?? "";
    let place = document;
    for (const key of keys) {
      if (!Object.hasOwn(place, key)) place[key] = {};
      place = place[key];
    }
    if (value === undefined) delete place[last];
    else place[last] = value;
  }
  return document;
}

/** Returns a document of the first generation, with changes. */
export function aSeedDocument(changes: Changes = {}): Record<string, unknown> {
  return aDocument(changes, "step-asg-deployer/one-service");
}

/** Returns a report of a release that has one service and checks its health. */
export function aReport(over: Partial<ReleaseReport> = {}): ReleaseReport {
  return {
    operation: "deploy",
    releaseId: "release-2",
    account: "111122223333",
    region: "eu-west-1",
    project: "org/shop",
    config: "production",
    state: "CheckHealthy",
    since: Date.UTC(2026, 0, 1, 0, 1, 45),
    startedAt: Date.UTC(2026, 0, 1),
    timeoutSeconds: 600,
    path: [],
    lines: [],
    laterErrors: [],
    services: { web: aServiceReport() },
    ...over,
  };
}

/** Returns a service without known facts. */
export function aServiceReport(over: Partial<ServiceReport> = {}): ServiceReport {
  return {
    healthy: 0,
    unhealthy: 0,
    terminating: 0,
    launching: 0,
    targetHealthy: 0,
    targetLaunched: 0,
    isHealthy: false,
    causes: [],
    ...over,
  };
}

/** Returns a running release, as a yard shows it. */
export function aYardRelease(over: Partial<YardRelease> = {}): YardRelease {
  return {
    jobId: "run-1",
    operation: "deploy",
    releaseId: "release-2",
    account: "111122223333",
    region: "eu-west-1",
    project: "org/shop",
    config: "production",
    standing: "running",
    isHalting: false,
    startedAt: "2026-01-01T00:00:00.000Z",
    ...over,
  };
}

/** Returns the text of a release document of this package's fixtures, such as `odin/one-service`. */
export function releaseFixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/${name}.json`, import.meta.url), "utf8");
}

/** Returns the result of a successful lookup. */
export function found<Value>(value: Value): Lookup<Value> {
  return { kind: "found", value };
}

/** Returns the result of a failed lookup. */
export function notFound(code: string, message: string): Lookup<never> {
  return { kind: "refused", problems: [{ code, message }] };
}

const OWN = { ProjectName: "org/shop", ConfigName: "production", ServiceName: "web" };

/** Returns tags of resources of the service `web`. */
export function ownTags(over: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return { ...OWN, ...over };
}

/** Returns lookups in which everything that the service `web` names exists and may be used. */
export function aServiceLookups(over: Partial<ServiceLookups> = {}): ServiceLookups {
  const tags = { DeployWith: "odin" };
  return {
    service: aService(),
    subnets: found([
      { id: "subnet-1", name: "private-a", tags, vpc: "vpc-1" },
      { id: "subnet-2", name: "private-b", tags, vpc: "vpc-1" },
    ]),
    image: found({ id: "ami-1", tags, state: "available", owner: "111122223333", architecture: "x86_64" }),
    hooks: [],
    securityGroups: found([{ id: "sg-1", name: "web", tags: OWN, vpc: "vpc-1" }]),
    elbs: [],
    targetGroups: [],
    ...over,
  };
}

/** Returns the resources that a service's names refer to. */
export function someResources(over: Partial<ServiceResources> = {}): ServiceResources {
  return {
    image: "ami-1",
    security_groups: ["sg-1"],
    elbs: [],
    target_group_arns: [],
    subnets: ["subnet-1", "subnet-2"],
    ...over,
  };
}

/** Returns the facts of the service `web` of a release. */
export function someLaunchFacts(over: Partial<LaunchFacts> = {}): LaunchFacts {
  return {
    constants: PRESETS.odin,
    release: aRelease(),
    state: aState(),
    service: aService(),
    resources: someResources(),
    serviceId: "org/shop-production-2026-01-01T00-00-00Z-web",
    ...over,
  };
}
