import { createHash } from "node:crypto";
import {
  AutoScalingClient,
  type AutoScalingGroup,
  CreateAutoScalingGroupCommand,
  type CreateAutoScalingGroupCommandInput,
  EnableMetricsCollectionCommand,
  type LaunchTemplateSpecification,
  PutScalingPolicyCommand,
} from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import {
  CreateLaunchTemplateCommand,
  CreatePlacementGroupCommand,
  EC2Client,
  type LaunchTemplate,
  paginateDescribeLaunchTemplates,
} from "@aws-sdk/client-ec2";
import { callAws, decideDenial, escapeFilterValue, findAwsFault, findDeadline } from "@stackyard/aws";
import { chunk } from "@stackyard/core";
import type { CapacityPlan } from "../plan/capacity.ts";
import { type LaunchFacts, RELEASE_TAGS, toTemplateName } from "../plan/names.ts";
import { ReleaseError, toReleaseError } from "../release-errors.ts";
import type { HealthReport, ReleaseDeps, ServiceState } from "../release-state.ts";
import { collect, loadGroupsNamed, toTagMap } from "../resources/load-groups.ts";
import { findPlacementGroup } from "../resources/lookup.ts";
import {
  type GroupInput,
  toAlarmRequest,
  toGroupRequest,
  toLaunchTemplate,
  toPlacementRequest,
  toPolicyRequest,
} from "./launch-requests.ts";

/** Input of `launchService`. */
interface LaunchInput {
  /** Rendered. */
  readonly userData: string;
  readonly plan: CapacityPlan;
  /** Resources created by an earlier try of this execution. */
  readonly made: Made;
}

/**
 * Creates all resources of one service and returns its state. A repeat after a crash at any call reuses existing
 * resources: the template and the group by name and tag; the others are written again.
 */
export async function launchService(
  deps: ReleaseDeps,
  facts: LaunchFacts,
  { userData, plan, made }: LaunchInput,
): Promise<ServiceState> {
  const { serviceId, service, state, constants } = facts;
  const attempt = <Result>(what: string, make: () => Promise<Result>) => make().catch(failWith(deps, what));
  await attempt("Cannot create its placement group.", () => makePlacementGroup(deps, facts));
  const template = await attempt("Cannot create its launch template.", () =>
    makeTemplate(deps, facts, { userData, known: made.templates.get(toTemplateName(serviceId)) }),
  );
  await attempt(`Cannot create its group "${serviceId}".`, () =>
    makeGroup(deps, facts, { template, capacity: plan.initial, known: made.groups.get(serviceId) }),
  );
  await attempt("Cannot write its scaling policies and alarms.", () => makePolicies(deps, facts));
  if (constants.generation === "odin") {
    await attempt("Cannot enable the metrics of its group.", () => collectMetrics(deps, serviceId));
  }
  deps.report(`${service.service_name}: created ${serviceId} with ${plan.initial.desired} of ${plan.targetLaunched}`);
  const known = state.services[service.service_name];
  return { ...known, healthy: false, stable: 0, created_asg: serviceId, healthy_report: toEmptyReport(plan) };
}

/** Errors of AWS about quotas ("LimitExceededFault", "VcpuLimitExceeded" and similar) contain no advice. */
const QUOTA = /limit ?exceeded/i;

function failWith({ signal }: ReleaseDeps, what: string): (error: unknown) => never {
  return (error) => {
    signal.throwIfAborted();
    const { name = "", throttled } = findAwsFault(error);
    // EC2's throttle is a `RequestLimitExceeded`.
    const isQuota = !throttled && QUOTA.test(name);
    const advice = isQuota ? "Delete unused resources, or request a higher quota from AWS." : "";
    throw toReleaseError("DEPLOY_FAILED", error, what, advice);
  };
}

/** Enables all metrics of the group; one minute is the only granularity. */
async function collectMetrics({ target, signal }: ReleaseDeps, serviceId: string): Promise<void> {
  const command = new EnableMetricsCollectionCommand({ AutoScalingGroupName: serviceId, Granularity: "1Minute" });
  await target.client(AutoScalingClient).send(command, { abortSignal: signal });
}

function toEmptyReport({ targetHealthy, targetLaunched, initial }: CapacityPlan): HealthReport {
  return {
    target_healthy: targetHealthy,
    target_launched: targetLaunched,
    healthy: 0,
    launching: 0,
    terminating: 0,
    terminating_ids: [],
    desired_capacity: initial.desired,
    min_size: initial.min,
  };
}

/** Names in the SDK and in the API ("CreateAutoScalingGroup"). */
const TAKEN = ["AlreadyExistsFault", "AlreadyExists"];
/**
 * Auto Scaling reports these as invalid values while it does not know a new template, instance profile, or role of a
 * hook yet: terraform-provider-aws#5217, eksctl#8039, kops#35, aws-cdk#1212.
 */
const YOUNG = [
  /launch template.*(not found|does not exist|doesn't exist)/i,
  /iam ?instance ?profile/i,
  /not authorized to (perform this operation|use launch template)/i,
  /unable to publish test message to notification target/i,
];

/** Creates the group, unless an earlier try of this execution has created it. */
async function makeGroup(
  deps: ReleaseDeps,
  facts: LaunchFacts,
  input: GroupInput & { readonly known: AutoScalingGroup | undefined },
): Promise<void> {
  const made = input.known ?? (await create(deps, toGroupRequest(facts, input))) ?? (await find(deps, facts));
  if (made !== "created") checkOwn(made, facts);
}

/** Creates the group; returns undefined if the name exists, maybe from the same request with a lost response. */
async function create(
  { target, clock, signal }: ReleaseDeps,
  request: CreateAutoScalingGroupCommandInput,
): Promise<"created" | undefined> {
  const firstCallAt = clock.now();
  for (let denied = 1; ; denied += 1) {
    const command = new CreateAutoScalingGroupCommand(request);
    const sent = target.client(AutoScalingClient).send(command, { abortSignal: signal });
    const error: unknown = await sent.then(
      () => undefined,
      (failure) => failure,
    );
    if (error === undefined) return "created";
    if (TAKEN.includes(findAwsFault(error).name ?? "")) return undefined;
    const refusal = { now: clock.now(), firstCallAt, denied, deadlineAt: findDeadline() };
    const pauseMs = isYoung(error) ? decideDenial(refusal) : undefined;
    if (pauseMs === undefined) throw error;
    await clock.sleep(pauseMs, signal);
    signal.throwIfAborted();
  }
}

function isYoung(error: unknown): boolean {
  return error instanceof Error && YOUNG.some((text) => text.test(error.message));
}

async function find(deps: ReleaseDeps, { serviceId }: LaunchFacts): Promise<AutoScalingGroup | undefined> {
  return untilVisible(deps, async () => (await loadGroupsNamed(deps, [serviceId]))[0]);
}

function checkOwn(group: AutoScalingGroup | undefined, { serviceId, state }: LaunchFacts): void {
  if (isOwn(group, state.uuid) && !group?.Status) return;
  const why = group?.Status ? "is being deleted" : "belongs to another release";
  throw new ReleaseError(
    "DEPLOY_FAILED",
    `Group "${serviceId}" already exists and ${why}. Deploy with another created_at.`,
  );
}

/** EC2 API reference, "Error codes". */
const TEMPLATE_TAKEN = "InvalidLaunchTemplateName.AlreadyExistsException";
/** A release never changes a template. */
const VERSION = "1";

/** Input of `makeTemplate`. */
interface TemplateInput {
  /** Rendered. */
  readonly userData: string;
  /** Template created by an earlier try. */
  readonly known: LaunchTemplate | undefined;
}

/**
 * Creates the launch template, or finds the one created by an earlier try of this execution. Returns its fixed version.
 */
async function makeTemplate(
  deps: ReleaseDeps,
  facts: LaunchFacts,
  { userData, known }: TemplateInput,
): Promise<LaunchTemplateSpecification> {
  const template = known ?? (await createTemplate(deps, facts, userData)) ?? (await adopt(deps, facts));
  return { LaunchTemplateId: template.LaunchTemplateId, Version: VERSION };
}

/** Creates the template; returns undefined if the name exists, maybe from the same request with a lost response. */
async function createTemplate(
  deps: ReleaseDeps,
  facts: LaunchFacts,
  userData: string,
): Promise<LaunchTemplate | undefined> {
  const request = { ...toLaunchTemplate(facts, userData), ClientToken: toToken(facts) };
  const command = new CreateLaunchTemplateCommand(request);
  const send = () => deps.target.client(EC2Client).send(command, { abortSignal: deps.signal });
  const made = await callAws(send, { instead: { [TEMPLATE_TAKEN]: undefined } });
  for (const { Message } of made?.Warning?.Errors ?? []) deps.report(`warning: ${facts.serviceId}: ${Message}`);
  return made?.LaunchTemplate;
}

/** Returns the client token, for which EC2 returns the same template again. */
function toToken({ serviceId, state }: LaunchFacts): string {
  return createHash("sha256").update(`${state.uuid}\0${serviceId}`).digest("hex");
}

async function adopt(deps: ReleaseDeps, { serviceId, state }: LaunchFacts): Promise<LaunchTemplate> {
  const name = toTemplateName(serviceId);
  const found = await untilVisible(deps, async () => (await loadTemplates(deps, [name]))[0]);
  if (found !== undefined && isOwn(found, state.uuid)) return found;
  const message = `Launch template "${name}" already exists and belongs to another release. Deploy with another created_at.`;
  throw new ReleaseError("DEPLOY_FAILED", message);
}

/** EC2 API reference, "Error codes": another release, or another service of this one, has created it. */
const PLACEMENT_GROUP_TAKEN = "InvalidPlacementGroup.Duplicate";

/** Creates the placement group that a service names, unless it exists, and waits until it is available. */
async function makePlacementGroup(deps: ReleaseDeps, facts: LaunchFacts): Promise<void> {
  const request = toPlacementRequest(facts);
  if (request === undefined) return;
  const name = request.GroupName ?? "";
  if ((await loadPlacementGroup(deps, name)) === undefined) {
    const command = new CreatePlacementGroupCommand(request);
    const send = () => deps.target.client(EC2Client).send(command, { abortSignal: deps.signal });
    await callAws(send, { instead: { [PLACEMENT_GROUP_TAKEN]: undefined } });
  }
  const isThere = await untilVisible(
    deps,
    async () => (await loadPlacementGroup(deps, name))?.state === "available" || undefined,
  );
  if (isThere) return;
  throw new ReleaseError("DEPLOY_FAILED", `Placement group "${name}" is not available yet. Deploy again when it is.`);
}

async function loadPlacementGroup(deps: ReleaseDeps, name: string) {
  const found = await findPlacementGroup(deps, name);
  if (found.kind === "found") return found.value;
  throw new ReleaseError("DEPLOY_FAILED", found.problems.map(({ message }) => message).join(" "));
}

/** Writes each policy, and then its alarm, which needs the policy's ARN. A repeat writes the same. */
async function makePolicies({ target, signal }: ReleaseDeps, facts: LaunchFacts): Promise<void> {
  const options = { abortSignal: signal };
  for (const policy of facts.service.autoscaling.policies) {
    const put = new PutScalingPolicyCommand(toPolicyRequest(facts, policy));
    const { PolicyARN = "" } = await target.client(AutoScalingClient).send(put, options);
    // Auto Scaling creates the alarms of target tracking itself.
    if (policy.type === "target_tracking") continue;
    const alarm = new PutMetricAlarmCommand(toAlarmRequest(facts, policy, PolicyARN));
    await target.client(CloudWatchClient).send(alarm, options);
  }
}

/** Existing resources with the names that a release will use. */
export interface Made {
  /** By name. */
  readonly groups: ReadonlyMap<string, AutoScalingGroup>;
  /** By name. */
  readonly templates: ReadonlyMap<string, LaunchTemplate>;
}

/** EC2 API reference, "DescribeLaunchTemplates": maximum number of filter values. */
const MAX_FILTER_VALUES = 200;

/** Finds existing groups and templates of these services, of any release. */
export async function findMade(deps: ReleaseDeps, serviceIds: readonly string[]): Promise<Made> {
  const groups = await loadGroupsNamed(deps, serviceIds);
  const templates = await loadTemplates(deps, serviceIds.map(toTemplateName));
  return {
    groups: new Map(groups.map((each) => [each.AutoScalingGroupName ?? "", each])),
    templates: new Map(templates.map((each) => [each.LaunchTemplateName ?? "", each])),
  };
}

/** Returns whether a resource was created by an earlier try of this execution. */
export function isOwn(made: AutoScalingGroup | LaunchTemplate | undefined, uuid: string): boolean {
  return toTagMap(made?.Tags)[RELEASE_TAGS.uuid] === uuid;
}

/** Loads templates by a filter, so that unknown names are not errors. */
async function loadTemplates(
  { target, signal }: ReleaseDeps,
  names: readonly string[],
): Promise<readonly LaunchTemplate[]> {
  const client = target.client(EC2Client);
  const templates: LaunchTemplate[] = [];
  for (const part of chunk(names, MAX_FILTER_VALUES)) {
    const input = { Filters: [{ Name: "launch-template-name", Values: part.map(escapeFilterValue) }] };
    const pages = paginateDescribeLaunchTemplates({ client }, input, { abortSignal: signal });
    templates.push(...(await collect(pages, ({ LaunchTemplates }) => LaunchTemplates)));
  }
  return templates.filter(({ LaunchTemplateName = "" }) => names.includes(LaunchTemplateName));
}

/** New resources become visible to other calls after some seconds (EC2 API reference, "Eventual consistency"). */
const TRIES = 8;
const PAUSE_MS = 2_000;

/** Calls `ask` until it returns a value, for up to 14 seconds; then returns undefined. */
export async function untilVisible<Answer>(
  { clock, signal }: Pick<ReleaseDeps, "clock" | "signal">,
  ask: () => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask();
    if (answer !== undefined || tries === TRIES) return answer;
    await clock.sleep(PAUSE_MS, signal);
    signal.throwIfAborted();
  }
}
