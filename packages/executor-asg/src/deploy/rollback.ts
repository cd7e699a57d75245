import {
  AttachLoadBalancersCommand,
  AttachLoadBalancerTargetGroupsCommand,
  AutoScalingClient,
  type AutoScalingGroup,
} from "@aws-sdk/client-auto-scaling";
import { chunk, defined } from "@stackyard/core";
import { RELEASE_TAGS, toLetters, toReleaseId } from "../plan/names.ts";
import { joinSentences } from "../plan/report.ts";
import {
  type AwsDeps,
  decideHalt,
  type ReleaseDeps,
  type ReleaseFailureCode,
  type ReleaseKey,
  toReleaseError,
} from "../release-state.ts";
import {
  findReleaseId,
  type GroupFacts,
  loadGroups,
  loadGroupsNamed,
  nameOfGroup,
  type SortedGroups,
  sortGroups,
  toGroupFacts,
  toTagMap,
} from "../resources/groups.ts";
import {
  detachTraffic,
  doAll,
  evaluateDrain,
  type FormerService,
  findRetiredKeys,
  loadAllAttachments,
  parseFormerTags,
  RETIRED_TAGS,
  setCapacity,
  type TrafficPlace,
  untagGroup,
} from "./drain.ts";
import { evaluateHealth } from "./health.ts";
import { loadHealthSources } from "./observe.ts";
import { tearDownGroup } from "./teardown.ts";

const LOOK_SECONDS = 15;

/**
 * Starts a rollback of a project and config, under the locks of a release. Kept groups get their capacity and load
 * balancers back, and `pollRollback` continues. Without kept groups, the previous document is returned to be deployed
 * again. Every part is repeatable. Until traffic has moved, a failure does not affect the running release.
 */
export async function rollbackRelease(deps: ReleaseDeps, input: RollbackInput): Promise<RollbackStep> {
  const key = toRollbackKey(input);
  const answer = await deps.memory.locks.acquire(key, input.uuid);
  if (answer.kind === "held") return toHeld(deps, input, answer.message);
  const attached: string[] = [];
  try {
    const step = await takeRoute(deps, input, { route: await loadRoute(deps, input), attached });
    if (step.kind !== "running") await deps.memory.locks.release(key, input.uuid);
    return step;
  } catch (error) {
    deps.signal.throwIfAborted();
    await restoreKept(deps, attached);
    await deps.memory.locks.release(key, input.uuid);
    const { message } = toReleaseError("DEPLOY_FAILED", error, "Cannot start the rollback.");
    return failed("DEPLOY_FAILED", message);
  }
}

/** Repeats a rollback without kept groups, which releases the locks before its result is stored. */
async function toHeld(deps: ReleaseDeps, input: RollbackInput, message: string): Promise<RollbackStep> {
  const standing = await deps.memory.locks.renew(toRollbackKey(input), input.uuid);
  const route = standing === "released" ? await loadRoute(deps, input) : undefined;
  if (route === undefined || route.kind === "return") return failed("LOCK_EXISTS", message);
  return takeRoute(deps, input, { route, attached: [] });
}

async function loadRoute(deps: ReleaseDeps, { at, releaseId }: RollbackInput): Promise<RollbackRoute> {
  const groups = (await loadGroups(deps, at)).map(toGroupFacts);
  // An empty release id: no group is its own.
  const sorted = sortGroups(groups, { ...at, release_id: "" }, deps.constants.generation);
  return findRollback({ groups: sorted, releaseId, place: deps.target });
}

interface Begun {
  readonly route: RollbackRoute;
  /** Names of groups that may be attached again. */
  readonly attached: string[];
}

async function takeRoute(deps: ReleaseDeps, input: RollbackInput, { route, attached }: Begun): Promise<RollbackStep> {
  if (route.kind === "refused") return failed("BAD_RELEASE", route.message);
  if (route.kind === "redeploy") return toRedeploy(deps, input, route.previousReleaseId);
  attached.push(...route.kept.map(({ name }) => name));
  await doAll(route.kept, (kept) => returnTraffic(deps, kept));
  for (const { name } of route.kept) deps.report(`attached group ${name} again`);
  const { releaseId, previousReleaseId, left } = route;
  const progress = { releaseId, previousReleaseId, kept: attached, left, beganAt: deps.clock.now() };
  return {
    kind: "running",
    progress: { phase: "healing", ...progress },
    waitSeconds: LOOK_SECONDS,
    message: `Returning to release "${previousReleaseId}".`,
  };
}

async function toRedeploy(deps: ReleaseDeps, { at }: RollbackInput, previousReleaseId: string): Promise<RollbackStep> {
  const key = { ...at, release_id: previousReleaseId };
  const now = deps.clock.now();
  const releaseId = toReleaseId(now, toLetters(deps.random));
  const document = toRedeployment(await deps.memory.loadDocument(key), { releaseId, now });
  if (document === undefined) {
    return failed(
      "BAD_RELEASE",
      `The document of release "${previousReleaseId}" does not exist. Deploy it from its source.`,
    );
  }
  const userData = await deps.memory.loadUserData(key);
  return { kind: "redeploy", document, previousReleaseId, ...defined({ userData }) };
}

function failed(code: ReleaseFailureCode, message: string): RollbackStep {
  return { kind: "failed", code, message, dirty: false };
}

const HEAL_SECONDS = 15;
const DRAIN_SECONDS = 10;
const DEFAULT_TIMEOUT_SECONDS = 600;
/** Time for connections of the release that is rolled back; the same as in the states of a release. */
const DRAIN_BUDGET_SECONDS = 600;
const MAX_RELAPSE_SECONDS = 3_600;

/**
 * Continues a rollback. The running release keeps its traffic until the returning groups are healthy; then it is
 * detached and its groups are deleted. If they do not become healthy in time, or the rollback is halted, everything
 * stays as before. Throws AWS errors as `ReleaseError`; the next poll retries.
 */
export async function pollRollback(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
): Promise<RollbackStep> {
  const lock = await deps.memory.locks.renew(toRollbackKey(input), input.uuid);
  if (lock === "released") {
    // The last poll is delivered again.
    if (progress.phase === "leaving") return succeeded(progress);
    return givenUp(progress, "RELEASE_HALTED", "The rollback was halted.");
  }
  if (lock !== "held") {
    const message = "Another owner took the locks during the rollback. Check which groups are in service.";
    return { kind: "failed", code: "LOCK_FAILED", message, dirty: true };
  }
  try {
    return progress.phase === "healing" ? await heal(deps, input, progress) : await leave(deps, input, progress);
  } catch (error) {
    deps.signal.throwIfAborted();
    throw toReleaseError("DETACH_FAILED", error, "The rollback cannot continue.");
  }
}

/** Gives up if this restores the former state. A rollback whose traffic has moved continues to its end. */
export async function cancelRollback(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
  reason: string,
): Promise<RollbackStep> {
  if (progress.phase === "leaving") return pollRollback(deps, input, progress);
  return giveUp(deps, input, progress, { code: "RELEASE_HALTED", message: reason });
}

async function heal(deps: ReleaseDeps, input: RollbackInput, progress: RollbackProgress): Promise<RollbackStep> {
  const verdict = decideHalt({
    now: deps.clock.now(),
    startedAt: progress.beganAt,
    timeoutSeconds: input.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    halts: await deps.memory.listHalts(toRollbackKey(input)).catch(() => "unreadable" as const),
  });
  const unhealthy = await findUnhealthyKept(deps, progress.kept);
  if (verdict.kind === "halt") {
    const message = [verdict.message, ...unhealthy].join("; ");
    return giveUp(deps, input, progress, { code: verdict.code, message });
  }
  if (unhealthy.length > 0) return running(deps, progress, HEAL_SECONDS, `Not healthy yet: ${unhealthy.join("; ")}.`);
  const next: RollbackProgress = { ...progress, phase: "leaving", beganAt: deps.clock.now() };
  return running(deps, next, 0, `Release "${progress.releaseId}" leaves.`);
}

/** Moves on to the previous groups and deletes the others: the point of no return. */
async function leave(deps: ReleaseDeps, input: RollbackInput, progress: RollbackProgress): Promise<RollbackStep> {
  const unhealthy = await findUnhealthyKept(deps, progress.kept);
  if (unhealthy.length > 0) return waitForKept(deps, input, progress, unhealthy.join("; "));
  const left = await loadGroupsNamed(deps, progress.left);
  await doAll(left, (group) => detachTraffic(deps, group));
  const verdict = evaluateDrain({
    attachments: await loadAllAttachments(deps, left),
    remaining: {},
    now: deps.clock.now(),
    beganAt: progress.beganAt,
    budgetSeconds: DRAIN_BUDGET_SECONDS,
  });
  if (verdict.kind === "waiting") return running(deps, progress, DRAIN_SECONDS, verdict.message);
  // First remove the tags of kept groups, so that they are not deleted as such if the process dies now.
  for (const group of await loadGroupsNamed(deps, progress.kept)) {
    await untagGroup(deps, nameOfGroup(group), findRetiredKeys(toTagMap(group.Tags)));
  }
  await doAll(left, (group) => tearDownGroup(deps, group));
  await endRollback(deps, input);
  return succeeded(progress);
}

/** Waits up to an hour for returning groups that were healthy when traffic moved; then a person has to decide. */
async function waitForKept(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
  reasons: string,
): Promise<RollbackStep> {
  if (deps.clock.now() - progress.beganAt < MAX_RELAPSE_SECONDS * 1_000) {
    return running(deps, progress, HEAL_SECONDS, `Waits: ${reasons}.`);
  }
  await deps.memory.locks.keep(toRollbackKey(input), input.uuid);
  const message = `${reasons}. Nothing was deleted; groups of "${progress.releaseId}" also exist. Decide which to keep.`;
  return { kind: "failed", code: "HEALTH_CHECK_FAILED", message, dirty: true };
}

async function giveUp(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
  { code, message }: { readonly code: ReleaseFailureCode; readonly message: string },
): Promise<RollbackStep> {
  await restoreKept(deps, progress.kept);
  await endRollback(deps, input);
  return givenUp(progress, code, message);
}

async function endRollback({ memory, logger }: ReleaseDeps, input: RollbackInput): Promise<void> {
  const key = toRollbackKey(input);
  await memory.clearHalts(key).catch((error: unknown) => logger.warn("cannot clear halt requests", { error }));
  await memory.locks.release(key, input.uuid);
}

function running(
  { report }: ReleaseDeps,
  progress: RollbackProgress,
  waitSeconds: number,
  message: string,
): RollbackStep {
  report(message);
  return { kind: "running", progress, waitSeconds, message };
}

function givenUp({ releaseId }: RollbackProgress, code: ReleaseFailureCode, why: string): RollbackStep {
  const message = joinSentences([why, `Release "${releaseId}" stays in service, and the old groups are kept.`]);
  return { kind: "failed", code, message, dirty: false };
}

function succeeded({ previousReleaseId, kept }: RollbackProgress): RollbackStep {
  return { kind: "succeeded", releaseId: previousReleaseId, groups: kept };
}

/** Input of a rollback. */
export interface RollbackInput {
  readonly at: Omit<ReleaseKey, "release_id">;
  /** The release to be left; default: the one that runs. */
  readonly releaseId?: string;
  /** Id of this rollback, stable over redeliveries: owner of the locks, and their release id. */
  readonly uuid: string;
  /** Seconds in which the old servers must become healthy. Default: 600. */
  readonly timeoutSeconds?: number;
}

/** State of a rollback after a call. */
export type RollbackStep =
  | {
      readonly kind: "running";
      readonly progress: RollbackProgress;
      readonly waitSeconds: number;
      readonly message: string;
    }
  /**
   * No group was kept. The locks are released; this document, with a new id and time, is deployed as a normal release.
   */
  | {
      readonly kind: "redeploy";
      readonly document: unknown;
      readonly userData?: string;
      readonly previousReleaseId: string;
    }
  | { readonly kind: "succeeded"; readonly releaseId: string; readonly groups: readonly string[] }
  | {
      readonly kind: "failed";
      readonly code: ReleaseFailureCode;
      readonly message: string;
      /** Groups of both releases may exist, and the locks are kept. */
      readonly dirty: boolean;
    };

/** Fields that identify the locks, halt requests and documents of a rollback. */
function toRollbackKey({ at, uuid }: RollbackInput): ReleaseKey {
  return { ...at, release_id: uuid };
}

/** Progress of a rollback. JSON: it is the progress of an attempt. */
export interface RollbackProgress {
  /** `healing`: the kept groups are attached again. `leaving`: the others are detached and deleted. */
  readonly phase: "healing" | "leaving";
  /** Start of the phase, epoch ms. */
  readonly beganAt: number;
  /** The release that is rolled back. */
  readonly releaseId: string;
  /** The release that returns. */
  readonly previousReleaseId: string;
  /** Names of the returning groups. */
  readonly kept: readonly string[];
  /** Names of the groups to delete. */
  readonly left: readonly string[];
}

/**
 * Describes the returning groups with too few healthy instances: fewer than their former capacity. Uses the health
 * rules of a release, without its limit for terminations, since giving up would not help. A group without its tags was
 * found healthy before, and is compared with its current capacity.
 */
async function findUnhealthyKept(deps: AwsDeps, names: readonly string[]): Promise<readonly string[]> {
  const groups = await loadGroupsNamed(deps, names);
  const found = new Set(groups.map(nameOfGroup));
  const missing = names.filter((name) => !found.has(name)).map((name) => `"${name}" no longer exists`);
  const looks = await Promise.all(groups.map((group) => look(deps, group)));
  return [...missing, ...looks.flatMap((each) => each ?? [])];
}

async function look(deps: AwsDeps, group: AutoScalingGroup): Promise<string | undefined> {
  const { AutoScalingGroupName: name, Instances = [], LoadBalancerNames = [], TargetGroupARNs = [] } = group;
  const { MinSize: min = 0, DesiredCapacity = 0 } = group;
  const former = parseFormerTags(toTagMap(group.Tags), deps.target);
  const resources = {
    elbs: former?.elbs ?? LoadBalancerNames,
    target_group_arns: former?.targetGroupArns ?? TargetGroupARNs,
  };
  const ids = Instances.flatMap(({ InstanceId }) => InstanceId ?? []);
  const desired = former?.desired ?? DesiredCapacity;
  const { report } = evaluateHealth({
    autoscaling: { max_terms: Number.MAX_SAFE_INTEGER },
    plan: {
      desired,
      targetLaunched: desired,
      targetHealthy: desired,
      initial: { min, desired, max: desired },
      steps: [],
    },
    group: { min, desired: DesiredCapacity, instances: Instances },
    sources: await loadHealthSources(deps, resources, ids),
  });
  return report.healthy < desired ? `"${name}" has ${report.healthy} of ${desired} healthy instances` : undefined;
}

/** Makes returning groups kept ones again: without traffic, and without servers if they never had load balancers. */
async function restoreKept(deps: AwsDeps, names: readonly string[]): Promise<void> {
  for (const group of await loadGroupsNamed(deps, names)) {
    await detachTraffic(deps, group);
    const former = parseFormerTags(toTagMap(group.Tags), deps.target);
    const hadTraffic = former !== undefined && former.elbs.length + former.targetGroupArns.length > 0;
    if (!hadTraffic) await setCapacity(deps, group, { min: 0, desired: 0 });
  }
}

/** API reference, "AttachLoadBalancers" and "AttachLoadBalancerTargetGroups": up to 10 at a time. */
const MAX_SOURCES = 10;

/** Restores the capacity and load balancers of a kept group. Attaching again changes nothing. */
async function returnTraffic(deps: AwsDeps, kept: KeptGroup): Promise<void> {
  const { target, signal } = deps;
  const [group] = await loadGroupsNamed(deps, [kept.name]);
  if (group === undefined) throw new Error(`The kept group "${kept.name}" no longer exists.`);
  const desired = Math.max(kept.desired, group.DesiredCapacity ?? 0);
  await setCapacity(deps, group, { min: kept.min, desired });
  const client = target.client(AutoScalingClient);
  const AutoScalingGroupName = kept.name;
  for (const LoadBalancerNames of chunk(kept.elbs, MAX_SOURCES)) {
    const command = new AttachLoadBalancersCommand({ AutoScalingGroupName, LoadBalancerNames });
    await client.send(command, { abortSignal: signal });
  }
  for (const TargetGroupARNs of chunk(kept.targetGroupArns, MAX_SOURCES)) {
    const command = new AttachLoadBalancerTargetGroupsCommand({ AutoScalingGroupName, TargetGroupARNs });
    await client.send(command, { abortSignal: signal });
  }
}

/** A kept group that returns to service, with its former state. */
interface KeptGroup extends FormerService {
  readonly name: string;
}

/** How to roll back a project and config. */
type RollbackRoute =
  /** The previous groups still exist. */
  | {
      readonly kind: "return";
      readonly releaseId: string;
      readonly previousReleaseId: string;
      readonly kept: readonly KeptGroup[];
      readonly left: readonly string[];
    }
  /** Only the previous document exists. */
  | { readonly kind: "redeploy"; readonly releaseId: string; readonly previousReleaseId: string }
  | { readonly kind: "refused"; readonly message: string };

/** Facts at the start of a rollback. */
interface RollbackFacts {
  /** All groups of the project and config, sorted as seen by a release without groups. */
  readonly groups: Pick<SortedGroups<GroupFacts>, "old" | "retired">;
  /** The release to roll back. Default: the one in service. */
  readonly releaseId: string | undefined;
  readonly place: TrafficPlace;
}

/** Decides from the tags of the groups which release is rolled back, and to what. */
export function findRollback({ groups, releaseId, place }: RollbackFacts): RollbackRoute {
  const running = [...new Set(groups.old.flatMap((group) => findReleaseId(group) ?? []))];
  if (releaseId === undefined && running.length > 1) {
    return refused(`Groups of several releases exist: ${running.join(", ")}. Pass the release to roll back.`);
  }
  const from = releaseId ?? running[0];
  if (from === undefined) return refused("No release is in service.");
  const left = groups.old.filter((group) => findReleaseId(group) === from);
  const kept = groups.retired.filter(({ tags }) => tags[RETIRED_TAGS.by] === from);
  if (kept.length > 0) return toReturn(from, kept, left, place);
  if (left.length === 0) return refused(`Release "${from}" has no groups, and none were kept for it.`);
  const previous = left.flatMap(({ tags }) => tags[RELEASE_TAGS.previousRelease] ?? [])[0];
  if (previous !== undefined) return { kind: "redeploy", releaseId: from, previousReleaseId: previous };
  return refused(`Release "${from}" has no record of the previous release. Deploy the document that you want.`);
}

function toReturn(
  releaseId: string,
  kept: readonly GroupFacts[],
  left: readonly GroupFacts[],
  place: TrafficPlace,
): RollbackRoute {
  const previous = [...new Set(kept.flatMap((group) => findReleaseId(group) ?? []))];
  const [previousReleaseId] = previous;
  if (previousReleaseId === undefined || previous.length > 1) {
    return refused(`The kept groups belong to several releases: ${kept.map(({ name }) => name).join(", ")}.`);
  }
  const returning = kept.flatMap((group) => toKept(group, place) ?? []);
  const spoilt = kept.filter(({ name }) => !returning.some((each) => each.name === name));
  if (spoilt.length > 0) {
    const names = spoilt.map(({ name }) => `"${name}"`).join(", ");
    return refused(
      `The tags of ${names} do not contain its former state. Deploy the document of "${previousReleaseId}".`,
    );
  }
  const names = left.map(({ name }) => name);
  return { kind: "return", releaseId, previousReleaseId, kept: returning, left: names };
}

/** Returns the kept group; undefined if its tags are missing. */
function toKept({ name, tags }: GroupFacts, place: TrafficPlace): KeptGroup | undefined {
  const former = parseFormerTags(tags, place);
  return former && { name, ...former };
}

function refused(message: string): RollbackRoute {
  return { kind: "refused", message };
}

/** Fields that make a document a new release. */
interface RedeploymentInput {
  readonly releaseId: string;
  /** Epoch ms. */
  readonly now: number;
}

/** Fields that a deployer may have written into a document. */
const WRITTEN = ["Task", "uuid", "started_at", "success", "healthy", "error", "release_sha256"];

/**
 * Returns the document of an earlier release as a new one: a release id can be used once, and an old `created_at` would
 * be rejected. Undefined if it is not a document.
 */
export function toRedeployment(
  document: unknown,
  { releaseId, now }: RedeploymentInput,
): Readonly<Record<string, unknown>> | undefined {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return undefined;
  const kept = Object.entries(document).filter(([key]) => !WRITTEN.includes(key));
  return { ...Object.fromEntries(kept), release_id: releaseId, created_at: new Date(now).toISOString() };
}
