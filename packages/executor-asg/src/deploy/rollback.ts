import {
  AttachLoadBalancersCommand,
  AttachLoadBalancerTargetGroupsCommand,
  AutoScalingClient,
  type AutoScalingGroup,
} from "@aws-sdk/client-auto-scaling";
import { type Static, Type } from "typebox";
import { chunk, RELEASE_TAGS, toLetters, toReleaseId } from "../plan/names.ts";
import { joinSentences } from "../plan/report.ts";
import {
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
  type SortedGroups,
  sortGroups,
  toTagMap,
} from "../resources/groups.ts";
import {
  detachTraffic,
  doAll,
  type FormerService,
  findRetiredKeys,
  judgeDrain,
  loadAttachments,
  parseFormerTags,
  RETIRED_TAGS,
  setCapacity,
  type TrafficPlace,
  untagGroup,
} from "./drain.ts";
import { judgeHealth } from "./health.ts";
import { loadHealthSources } from "./observe.ts";
import { tearDownGroup, toFacts } from "./teardown.ts";

/** A group that comes back, with what it had. */
interface KeptGroup extends FormerService {
  readonly name: string;
}

/** How a project-config can go one step back. */
type RollbackRoute =
  /** The groups from before still run. */
  | {
      readonly kind: "return";
      readonly releaseId: string;
      readonly previousReleaseId: string;
      readonly kept: readonly KeptGroup[];
      readonly left: readonly string[];
    }
  /** Only their document is left. */
  | { readonly kind: "redeploy"; readonly releaseId: string; readonly previousReleaseId: string }
  | { readonly kind: "refused"; readonly message: string };

/** What is known where a rollback begins. */
interface RollbackFacts {
  /** All groups of the project-config, sorted for somebody who has made none of them. */
  readonly groups: Pick<SortedGroups<GroupFacts>, "old" | "retired">;
  /** The release to be left; default: the one that runs. */
  readonly releaseId: string | undefined;
  readonly place: TrafficPlace;
}

/** Decides from the tags of the groups which release is left, and what is there to go back to. */
export function findRollback({ groups, releaseId, place }: RollbackFacts): RollbackRoute {
  const running = [...new Set(groups.old.flatMap((group) => findReleaseId(group) ?? []))];
  if (releaseId === undefined && running.length > 1) {
    return refused(`Groups of several releases stand: ${running.join(", ")}. Say which release is to be left.`);
  }
  const from = releaseId ?? running[0];
  if (from === undefined) return refused("No release runs: there is nothing to be left.");
  const left = groups.old.filter((group) => findReleaseId(group) === from);
  const kept = groups.retired.filter(({ tags }) => tags[RETIRED_TAGS.by] === from);
  if (kept.length > 0) return toReturn(from, kept, left, place);
  if (left.length === 0) return refused(`Release "${from}" has no groups, and none were kept for it.`);
  const previous = left.flatMap(({ tags }) => tags[RELEASE_TAGS.previousRelease] ?? [])[0];
  if (previous !== undefined) return { kind: "redeploy", releaseId: from, previousReleaseId: previous };
  return refused(`Release "${from}" does not say which one was before it. Deploy the document that is wanted.`);
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
    return refused(`The kept groups are not of one release: ${kept.map(({ name }) => name).join(", ")}.`);
  }
  const returning = kept.flatMap((group) => toKept(group, place) ?? []);
  const spoilt = kept.filter(({ name }) => !returning.some((each) => each.name === name));
  if (spoilt.length > 0) {
    const names = spoilt.map(({ name }) => `"${name}"`).join(", ");
    return refused(`The tags of ${names} do not say how it served. Deploy the document of "${previousReleaseId}".`);
  }
  const names = left.map(({ name }) => name);
  return { kind: "return", releaseId, previousReleaseId, kept: returning, left: names };
}

/** `undefined` where its tags do not say. */
function toKept({ name, tags }: GroupFacts, place: TrafficPlace): KeptGroup | undefined {
  const former = parseFormerTags(tags, place);
  return former && { name, ...former };
}

function refused(message: string): RollbackRoute {
  return { kind: "refused", message };
}

const LOOK_SECONDS = 15;

/**
 * Begins to take a project-config one step back, under the same locks as a release. Groups that were kept get their capacity and their
 * load balancers again, and `pollRollback` goes on from there; without any, the document of the release before is given to be
 * released anew. Repeatable: each part of it can be done twice. Until traffic has moved a failure changes nothing for the
 * release that runs.
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
    const { message } = toReleaseError("DEPLOY_FAILED", error, "The rollback could not begin.");
    return failed("DEPLOY_FAILED", message);
  }
}

/** A rollback without kept groups gives the locks back before its answer is noted: it may be asked again. */
async function toHeld(deps: ReleaseDeps, input: RollbackInput, message: string): Promise<RollbackStep> {
  const standing = await deps.memory.locks.renew(toRollbackKey(input), input.uuid);
  const route = standing === "released" ? await loadRoute(deps, input) : undefined;
  if (route === undefined || route.kind === "return") return failed("LOCK_EXISTS", message);
  return takeRoute(deps, input, { route, attached: [] });
}

async function loadRoute(deps: ReleaseDeps, { at, releaseId }: RollbackInput): Promise<RollbackRoute> {
  const groups = (await loadGroups(deps, at)).map(toFacts);
  // Seen by somebody who has made none of them.
  const sorted = sortGroups(groups, { ...at, release_id: "" }, deps.constants.generation);
  return findRollback({ groups: sorted, releaseId, place: deps.target });
}

interface Begun {
  readonly route: RollbackRoute;
  /** Names of groups that may have traffic again. */
  readonly attached: string[];
}

async function takeRoute(deps: ReleaseDeps, input: RollbackInput, { route, attached }: Begun): Promise<RollbackStep> {
  if (route.kind === "refused") return failed("BAD_RELEASE", route.message);
  if (route.kind === "redeploy") return toRedeploy(deps, input, route.previousReleaseId);
  attached.push(...route.kept.map(({ name }) => name));
  await doAll(route.kept, (kept) => returnTraffic(deps, kept));
  for (const { name } of route.kept) deps.report(`group ${name} has its traffic again`);
  const { releaseId, previousReleaseId, left } = route;
  const progress = { releaseId, previousReleaseId, kept: attached, left: [...left], beganAt: deps.clock.now() };
  return {
    kind: "running",
    progress: { phase: "healing", ...progress },
    waitSeconds: LOOK_SECONDS,
    message: `Release "${previousReleaseId}" comes back.`,
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
      `The document of release "${previousReleaseId}" is not there. Deploy it from its source.`,
    );
  }
  const userData = await deps.memory.loadUserData(key);
  return { kind: "redeploy", document, previousReleaseId, ...(userData !== undefined && { userData }) };
}

function failed(code: ReleaseFailureCode, message: string): RollbackStep {
  return { kind: "failed", code, message, dirty: false };
}

const HEAL_SECONDS = 15;
const DRAIN_SECONDS = 10;
const DEFAULT_TIMEOUT_SECONDS = 600;
/** For connections of the release that is left; as long as the states of a release give. */
const DRAIN_BUDGET_SECONDS = 600;
const MAX_RELAPSE_SECONDS = 3_600;

/**
 * Goes on with a rollback. The release that runs keeps its traffic until the groups that come back are healthy; then it loses it, and
 * its groups are deleted. Not healthy in time, or halted: all is as before, and the kept groups are kept. Errors of AWS are tried
 * again by the next poll. Throws them as `ReleaseError`.
 */
export async function pollRollback(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
): Promise<RollbackStep> {
  const lock = await deps.memory.locks.renew(toRollbackKey(input), input.uuid);
  if (lock === "released") {
    // The end of it is delivered once more.
    if (progress.phase === "leaving") return succeeded(progress);
    return givenUp(progress, "RELEASE_HALTED", "The rollback was given up.");
  }
  if (lock !== "held") {
    const message = "The locks went to somebody else while the rollback worked. See which groups serve.";
    return { kind: "failed", code: "LOCK_FAILED", message, dirty: true };
  }
  try {
    return progress.phase === "healing" ? await heal(deps, input, progress) : await leave(deps, input, progress);
  } catch (error) {
    deps.signal.throwIfAborted();
    throw toReleaseError("DETACH_FAILED", error, "The rollback did not get further.");
  }
}

/** Gives up where that leaves all as it was; a rollback whose traffic has moved goes on to its end. */
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

/** From here on there is no way back: the groups from before serve, and the others go. */
async function leave(deps: ReleaseDeps, input: RollbackInput, progress: RollbackProgress): Promise<RollbackStep> {
  const unhealthy = await findUnhealthyKept(deps, progress.kept);
  if (unhealthy.length > 0) return waitForKept(deps, input, progress, unhealthy.join("; "));
  const left = await loadGroupsNamed(deps, progress.left);
  await doAll(left, (group) => detachTraffic(deps, group));
  const attachments = await Promise.all(
    left.map(({ AutoScalingGroupName = "" }) => loadAttachments(deps, AutoScalingGroupName)),
  );
  const verdict = judgeDrain({
    attachments: attachments.flat(),
    remaining: {},
    now: deps.clock.now(),
    beganAt: progress.beganAt,
    budgetSeconds: DRAIN_BUDGET_SECONDS,
  });
  if (verdict.kind === "waiting") return running(deps, progress, DRAIN_SECONDS, verdict.message);
  // First these are no longer kept ones: where the process dies now, nobody may delete them as such.
  for (const group of await loadGroupsNamed(deps, progress.kept)) {
    await untagGroup(deps, group.AutoScalingGroupName ?? "", findRetiredKeys(toTagMap(group.Tags)));
  }
  await doAll(left, (group) => tearDownGroup(deps, group));
  await endRollback(deps, input);
  return succeeded(progress);
}

/** They were healthy when traffic moved to them. For an hour they may become so again; after that somebody has to look. */
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
  const message = `${reasons}. Nothing was deleted: groups of "${progress.releaseId}" stand too. See which are to stay.`;
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
  await memory.clearHalts(key).catch((error: unknown) => logger.warn("orders to halt were not cleared", { error }));
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
  const message = joinSentences([why, `Release "${releaseId}" runs as before, and the old groups are kept.`]);
  return { kind: "failed", code, message, dirty: false };
}

function succeeded({ previousReleaseId, kept }: RollbackProgress): RollbackStep {
  return { kind: "succeeded", releaseId: previousReleaseId, groups: kept };
}

/** What is asked for: one step back in a project-config. */
export interface RollbackInput {
  readonly at: Omit<ReleaseKey, "release_id">;
  /** The release to be left; default: the one that runs. */
  readonly releaseId?: string;
  /** Of this rollback, the same over redeliveries: owner of the locks, and the release id that they are taken for. */
  readonly uuid: string;
  /** In which the old servers must be healthy again. Default: 600. */
  readonly timeoutSeconds?: number;
}

/** How a rollback stands after a call. */
export type RollbackStep =
  | {
      readonly kind: "running";
      readonly progress: RollbackProgress;
      readonly waitSeconds: number;
      readonly message: string;
    }
  /** No group was kept. The locks are given back; this document, with a new id and time, is to be released in the ordinary way. */
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
      /** Groups of both releases may stand, and the locks are kept. */
      readonly dirty: boolean;
    };

/** What the locks, halts and documents of a rollback are found by. */
function toRollbackKey({ at, uuid }: RollbackInput): ReleaseKey {
  return { ...at, release_id: uuid };
}

const Name = Type.String({ minLength: 1, maxLength: 255 });
const Names = Type.Array(Name, { maxItems: 500 });

/** How far a rollback is. JSON: it is the progress of an attempt. */
export const RollbackProgress = Type.Object(
  {
    /** `healing`: the kept groups have their traffic again. `leaving`: the others lose theirs, and are deleted. */
    phase: Type.Union([Type.Literal("healing"), Type.Literal("leaving")]),
    /** Epoch ms, of the phase. */
    beganAt: Type.Integer({ minimum: 0 }),
    /** The release that is left. */
    releaseId: Type.String({ maxLength: 256 }),
    /** The release that comes back. */
    previousReleaseId: Type.String({ maxLength: 256 }),
    /** Names of groups that come back. */
    kept: Names,
    /** Names of groups that go. */
    left: Names,
  },
  { additionalProperties: false },
);
export type RollbackProgress = Static<typeof RollbackProgress>;

/**
 * Says which groups that come back have too few healthy instances: fewer than they were meant to have when they left. The same judge
 * as for a new group, without its limit for terminations, since nothing better could be had by giving up. A group that has lost
 * its tags already has been found healthy before, and must be so by what it lists now.
 */
async function findUnhealthyKept(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  names: readonly string[],
): Promise<readonly string[]> {
  const groups = await loadGroupsNamed(deps, names);
  const found = new Set(groups.map(({ AutoScalingGroupName }) => AutoScalingGroupName));
  const missing = names.filter((name) => !found.has(name)).map((name) => `"${name}" is not there any more`);
  const looks = await Promise.all(groups.map((group) => look(deps, group)));
  return [...missing, ...looks.flatMap((each) => each ?? [])];
}

async function look(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  group: AutoScalingGroup,
): Promise<string | undefined> {
  const { AutoScalingGroupName: name, Instances = [], LoadBalancerNames = [], TargetGroupARNs = [] } = group;
  const { MinSize: min = 0, DesiredCapacity = 0 } = group;
  const former = parseFormerTags(toTagMap(group.Tags), deps.target);
  const resources = {
    elbs: former?.elbs ?? LoadBalancerNames,
    target_group_arns: former?.targetGroupArns ?? TargetGroupARNs,
  };
  const ids = Instances.flatMap(({ InstanceId }) => InstanceId ?? []);
  const desired = former?.desired ?? DesiredCapacity;
  const { report } = judgeHealth({
    autoscaling: { max_terms: Number.MAX_SAFE_INTEGER, strategy: "AllAtOnce" },
    plan: {
      desired,
      targetLaunched: desired,
      targetHealthy: desired,
      initial: { min, desired, max: desired },
      steps: [],
    },
    group: { min, desired: DesiredCapacity, instances: Instances },
    sources: await loadHealthSources(deps, resources, ids),
    countTerminations: "snapshot",
    terminated: [],
    stable: 0,
    stablePolls: 1,
    alarms: [],
    step: undefined,
  });
  return report.healthy < desired ? `"${name}" has ${report.healthy} of ${desired} healthy instances` : undefined;
}

/** Makes groups that were about to come back kept ones again: without traffic, and without servers where there never was any. */
async function restoreKept(deps: Pick<ReleaseDeps, "target" | "signal">, names: readonly string[]): Promise<void> {
  for (const group of await loadGroupsNamed(deps, names)) {
    await detachTraffic(deps, group);
    const former = parseFormerTags(toTagMap(group.Tags), deps.target);
    const hadTraffic = former !== undefined && former.elbs.length + former.targetGroupArns.length > 0;
    if (!hadTraffic) await setCapacity(deps, group, { min: 0, desired: 0 });
  }
}

/** API reference, "AttachLoadBalancers" and "AttachLoadBalancerTargetGroups": up to 10 at a time. */
const MAX_SOURCES = 10;

/** Gives a kept group its capacity and its load balancers again. Attaching what is attached changes nothing. */
async function returnTraffic(deps: Pick<ReleaseDeps, "target" | "signal">, kept: KeptGroup): Promise<void> {
  const { target, signal } = deps;
  const [group] = await loadGroupsNamed(deps, [kept.name]);
  if (group === undefined) throw new Error(`The kept group "${kept.name}" is not there any more.`);
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

/** What makes a document another release. */
interface RedeploymentInput {
  readonly releaseId: string;
  /** Epoch ms. */
  readonly now: number;
}

/** What a deployer may have written into a document that it has worked on. */
const WRITTEN = ["Task", "uuid", "started_at", "success", "healthy", "error", "release_sha256"];

/**
 * The document of an earlier release as a new one: a release id is used once, and an old `created_at` would be refused. `undefined` where
 * it is no document.
 */
export function toRedeployment(
  document: unknown,
  { releaseId, now }: RedeploymentInput,
): Readonly<Record<string, unknown>> | undefined {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return undefined;
  const kept = Object.entries(document).filter(([key]) => !WRITTEN.includes(key));
  return { ...Object.fromEntries(kept), release_id: releaseId, created_at: new Date(now).toISOString() };
}
