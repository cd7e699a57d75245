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
import { findAwsFault } from "@stackyard/aws";
import type { CapacityPlan } from "../plan/capacity.ts";
import { type LaunchFacts, RELEASE_TAGS, toTemplateName } from "../plan/names.ts";
import {
  type HealthReport,
  type ReleaseDeps,
  ReleaseError,
  type ServiceState,
  toReleaseError,
} from "../release-state.ts";
import { escapeFilterValue, findPlacementGroup, loadGroupsNamed, toTagMap } from "../resources/groups.ts";
import {
  type GroupInput,
  toAlarmRequest,
  toGroupRequest,
  toLaunchTemplate,
  toPlacementRequest,
  toPolicyRequest,
} from "./launch-requests.ts";

/** What a service is launched with. */
interface LaunchInput {
  /** Rendered. */
  readonly userData: string;
  readonly plan: CapacityPlan;
  /** Of an earlier try of this execution. */
  readonly made: Made;
}

/**
 * Creates everything of one service, and gives what is known of it then. A repeat after a crash at any call takes up what is there:
 * the template and the group by name and tag, the rest by putting the same again.
 */
export async function launchService(
  deps: ReleaseDeps,
  facts: LaunchFacts,
  { userData, plan, made }: LaunchInput,
): Promise<ServiceState> {
  const { serviceId, service, state, constants } = facts;
  const attempt = <Result>(what: string, make: () => Promise<Result>) => make().catch(failWith(deps, what));
  await attempt("Its placement group could not be made.", () => makePlacementGroup(deps, facts));
  const template = await attempt("Its launch template could not be made.", () =>
    makeTemplate(deps, facts, { userData, known: made.templates.get(toTemplateName(serviceId)) }),
  );
  await attempt(`Its group "${serviceId}" could not be made.`, () =>
    makeGroup(deps, facts, { template, capacity: plan.initial, known: made.groups.get(serviceId) }),
  );
  await attempt("Its scaling policies and alarms could not be put.", () => makePolicies(deps, facts));
  if (constants.generation === "odin") {
    await attempt("The metrics of its group could not be turned on.", () => collectMetrics(deps, serviceId));
  }
  deps.report(`${service.service_name}: created ${serviceId} with ${plan.initial.desired} of ${plan.targetLaunched}`);
  const known = state.services[service.service_name];
  return { ...known, healthy: false, stable: 0, created_asg: serviceId, healthy_report: toEmptyReport(plan) };
}

/** What AWS says of quotas does not say what to do ("LimitExceededFault", "VcpuLimitExceeded" and the like). */
const QUOTA = /limit ?exceeded/i;

function failWith({ signal }: ReleaseDeps, what: string): (error: unknown) => never {
  return (error) => {
    signal.throwIfAborted();
    const isQuota = QUOTA.test(findAwsFault(error).name ?? "");
    const advice = isQuota ? "Delete what is not needed, or ask AWS for a higher quota." : "";
    throw toReleaseError("DEPLOY_FAILED", error, what, advice);
  };
}

/** All metrics of the group; a minute is the only granularity there is. */
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

/** The SDK's class and the code on the wire ("CreateAutoScalingGroup"). */
const TAKEN = ["AlreadyExistsFault", "AlreadyExists"];
/** Auto Scaling says it of a template that EC2 has just made. */
const NO_TEMPLATE = /launch template.*(not found|does not exist|doesn't exist)/i;

/** Makes the group, unless an earlier try of this execution has made it. */
async function makeGroup(
  deps: ReleaseDeps,
  facts: LaunchFacts,
  input: GroupInput & { readonly known: AutoScalingGroup | undefined },
): Promise<void> {
  const made = input.known ?? (await create(deps, toGroupRequest(facts, input))) ?? (await find(deps, facts));
  if (made !== "created") checkOwn(made, facts);
}

/** `undefined`: the name is taken, maybe by the same request whose answer was lost. */
async function create(deps: ReleaseDeps, request: CreateAutoScalingGroupCommandInput): Promise<"created" | undefined> {
  let lastError: unknown;
  const answer = await untilVisible(deps, async () => {
    try {
      const client = deps.target.client(AutoScalingClient);
      await client.send(new CreateAutoScalingGroupCommand(request), { abortSignal: deps.signal });
      return "created";
    } catch (error) {
      if (TAKEN.includes(findAwsFault(error).name ?? "")) return "taken";
      if (!(error instanceof Error && NO_TEMPLATE.test(error.message))) throw error;
      lastError = error;
      return undefined;
    }
  });
  if (answer === undefined) throw lastError;
  return answer === "created" ? answer : undefined;
}

async function find(deps: ReleaseDeps, { serviceId }: LaunchFacts): Promise<AutoScalingGroup | undefined> {
  return untilVisible(deps, async () => (await loadGroupsNamed(deps, [serviceId]))[0]);
}

function checkOwn(group: AutoScalingGroup | undefined, { serviceId, state }: LaunchFacts): void {
  if (isOwn(group, state.uuid) && !group?.Status) return;
  const why = group?.Status ? "it is being deleted" : "it is of another release";
  throw new ReleaseError(
    "DEPLOY_FAILED",
    `Group "${serviceId}" is there already, and ${why}. Deploy with another created_at.`,
  );
}

/** EC2 API reference, "Error codes". */
const TAKEN_MAKE_TEMPLATE = "InvalidLaunchTemplateName.AlreadyExistsException";
/** A release makes a template and never changes it. */
const VERSION = "1";

/** What a service's template is made of beside its facts. */
interface TemplateInput {
  /** Rendered. */
  readonly userData: string;
  /** Of an earlier try. */
  readonly known: LaunchTemplate | undefined;
}

/** Makes the launch template, or finds the one that an earlier try of this execution has made; gives its fixed version. */
async function makeTemplate(
  deps: ReleaseDeps,
  facts: LaunchFacts,
  { userData, known }: TemplateInput,
): Promise<LaunchTemplateSpecification> {
  const template = known ?? (await createMakeTemplate(deps, facts, userData)) ?? (await adopt(deps, facts));
  return { LaunchTemplateId: template.LaunchTemplateId, Version: VERSION };
}

/** `undefined`: the name is taken, maybe by the same request whose answer was lost. */
async function createMakeTemplate(
  deps: ReleaseDeps,
  facts: LaunchFacts,
  userData: string,
): Promise<LaunchTemplate | undefined> {
  const request = { ...toLaunchTemplate(facts, userData), ClientToken: toToken(facts) };
  try {
    const client = deps.target.client(EC2Client);
    const made = await client.send(new CreateLaunchTemplateCommand(request), { abortSignal: deps.signal });
    for (const { Message } of made.Warning?.Errors ?? []) deps.report(`warning: ${facts.serviceId}: ${Message}`);
    return made.LaunchTemplate;
  } catch (error) {
    if (findAwsFault(error).name === TAKEN_MAKE_TEMPLATE) return undefined;
    throw error;
  }
}

/** EC2 answers a repeated request of one token with the same template. */
function toToken({ serviceId, state }: LaunchFacts): string {
  return createHash("sha256").update(`${state.uuid}\0${serviceId}`).digest("hex");
}

async function adopt(deps: ReleaseDeps, { serviceId, state }: LaunchFacts): Promise<LaunchTemplate> {
  const name = toTemplateName(serviceId);
  const found = await untilVisible(deps, async () => (await loadTemplates(deps, [name]))[0]);
  if (found !== undefined && isOwn(found, state.uuid)) return found;
  const message = `Launch template "${name}" is there already, and of another release. Deploy with another created_at.`;
  throw new ReleaseError("DEPLOY_FAILED", message);
}

/** EC2 API reference, "Error codes": somebody else, or another service of this release, was first. */
const TAKEN_MAKE_PLACEMENT_GROUP = "InvalidPlacementGroup.Duplicate";

/** Makes the placement group of a service that names one, where there is none; waits until it can be used. */
async function makePlacementGroup(deps: ReleaseDeps, facts: LaunchFacts): Promise<void> {
  const request = toPlacementRequest(facts);
  if (request === undefined) return;
  const name = request.GroupName ?? "";
  if ((await findMakePlacementGroup(deps, name)) === undefined) {
    try {
      await deps.target.client(EC2Client).send(new CreatePlacementGroupCommand(request), { abortSignal: deps.signal });
    } catch (error) {
      if (findAwsFault(error).name !== TAKEN_MAKE_PLACEMENT_GROUP) throw error;
    }
  }
  const isThere = await untilVisible(
    deps,
    async () => (await findMakePlacementGroup(deps, name))?.state === "available" || undefined,
  );
  if (isThere) return;
  throw new ReleaseError("DEPLOY_FAILED", `Placement group "${name}" is not available yet. Deploy again when it is.`);
}

async function findMakePlacementGroup(deps: ReleaseDeps, name: string) {
  const found = await findPlacementGroup(deps, name);
  if (found.kind === "found") return found.value;
  throw new ReleaseError("DEPLOY_FAILED", found.problems.map(({ message }) => message).join(" "));
}

/** Puts each policy, and then the alarm that works it, which needs its ARN. A repeat puts the same ones. */
async function makePolicies({ target, signal }: ReleaseDeps, facts: LaunchFacts): Promise<void> {
  const options = { abortSignal: signal };
  for (const policy of facts.service.autoscaling.policies) {
    const put = new PutScalingPolicyCommand(toPolicyRequest(facts, policy));
    const { PolicyARN = "" } = await target.client(AutoScalingClient).send(put, options);
    // Auto Scaling makes the alarms of target tracking itself.
    if (policy.type === "target_tracking") continue;
    const alarm = new PutMetricAlarmCommand(toAlarmRequest(facts, policy, PolicyARN));
    await target.client(CloudWatchClient).send(alarm, options);
  }
}

/** What stands under the names that a release will use. */
export interface Made {
  /** By name. */
  readonly groups: ReadonlyMap<string, AutoScalingGroup>;
  /** By name. */
  readonly templates: ReadonlyMap<string, LaunchTemplate>;
}

/** EC2 API reference, "DescribeLaunchTemplates": values of a filter. */
const MAX_FILTER_VALUES = 200;

/** Looks for groups and templates of these services, whoever made them. */
export async function findMade(deps: ReleaseDeps, serviceIds: readonly string[]): Promise<Made> {
  const groups = await loadGroupsNamed(deps, serviceIds);
  const templates = await loadTemplates(deps, serviceIds.map(toTemplateName));
  return {
    groups: new Map(groups.map((each) => [each.AutoScalingGroupName ?? "", each])),
    templates: new Map(templates.map((each) => [each.LaunchTemplateName ?? "", each])),
  };
}

/** True for what an earlier try of this very execution has made. */
export function isOwn(made: AutoScalingGroup | LaunchTemplate | undefined, uuid: string): boolean {
  return toTagMap(made?.Tags)[RELEASE_TAGS.uuid] === uuid;
}

/** By a filter: a name that does not stand is no error then. */
async function loadTemplates(
  { target, signal }: ReleaseDeps,
  names: readonly string[],
): Promise<readonly LaunchTemplate[]> {
  const client = target.client(EC2Client);
  const templates: LaunchTemplate[] = [];
  for (let at = 0; at < names.length; at += MAX_FILTER_VALUES) {
    const Values = names.slice(at, at + MAX_FILTER_VALUES).map(escapeFilterValue);
    const input = { Filters: [{ Name: "launch-template-name", Values }] };
    const pages = paginateDescribeLaunchTemplates({ client }, input, { abortSignal: signal });
    for await (const { LaunchTemplates = [] } of pages) templates.push(...LaunchTemplates);
  }
  return templates.filter(({ LaunchTemplateName = "" }) => names.includes(LaunchTemplateName));
}

/** What was created is seen by others, and by describe calls, some seconds later (EC2 API reference, "Eventual consistency"). */
const TRIES = 8;
const PAUSE_MS = 2_000;

/** Asks until there is an answer, for a quarter of a minute; `undefined`: there was none. */
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
