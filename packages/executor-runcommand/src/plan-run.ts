import { lookUntilComplete } from "@stackyard/aws";
import { defined, type Failed, failed } from "@stackyard/core";
import { listItems } from "@stackyard/core/rollout";
import type { FleetAws } from "./call-fleet.ts";
import { INSTANCE_GONE } from "./count-instances.ts";
import { type RunCommandConfig, toLengths } from "./definition.ts";
import type { ProfileDefinition } from "./document/profile-definition.ts";
import { type ProfileProblem, type ResolvedProfile, resolveProfile } from "./document/resolve-profile.ts";
import { loadAgents, loadByIds, loadFiltered, toTagFilters } from "./fleet-calls.ts";
import { createRun, type FleetRun, type RunState, updateInstances } from "./fleet-run.ts";
import { toGroupKey } from "./next-action.ts";
import type { FleetInstanceReport } from "./report-page.ts";
import {
  DEFAULT_TAG_KEY,
  inventory,
  type KnownInstance,
  type Platform,
  selectInstances,
  toPlatform,
} from "./select-instances.ts";
import { pinConfig, type StepDeps } from "./step-deps.ts";

const DEFAULT_CONCURRENCY = "50";
const DEFAULT_TARGETS_ABOVE = 500;

/** Tags may have keys that a target may not (API reference, `Target`). */
const TARGET_KEY = /^[\p{L}\p{Z}\p{N}_.:/=\-@]{1,159}$/u;

/**
 * Begins a run: pins its artifact, selects its instances unless they are given, and saves it. Fails if no command can be
 * resolved for them.
 */
export async function beginRun(given: StepDeps, found?: FoundInstances): Promise<FleetRun | Failed> {
  const config = await pinConfig(given.ctx, given.config);
  if ("kind" in config) return config;
  const deps = { ...given, config };
  const run = found === undefined ? await planRun(deps) : toRun(deps, found);
  if (!("kind" in run)) await deps.store.save(run);
  return run;
}

/** Selects the instances of a run and groups them; nothing is written. */
export async function planRun(deps: StepDeps): Promise<FleetRun | Failed> {
  const { config } = deps;
  if (config.targets !== undefined && config.instanceIds === undefined) return planTargets(deps);
  return toRun(deps, await loadFound(deps.aws, config));
}

function toRun(deps: StepDeps, found: FoundInstances): FleetRun | Failed {
  const planned = toMembers(deps, found);
  if ("kind" in planned) return planned;
  const { config } = deps;
  if (!isForTargets(config, planned))
    return createRun({ ...startOf(deps), ...limitsOf(config), way: "ids", ...planned });
  return toTargetsRun(deps, planned, { isPinned: true });
}

/** Returns the facts about a new run. */
export function startOf({ ctx, config, runId }: StepDeps) {
  const { artifact } = config;
  return { runId, attempt: ctx.idempotencyKey, startedAt: ctx.clock.now(), ...defined({ artifact }) };
}

function limitsOf({ maxConcurrency = DEFAULT_CONCURRENCY, maxErrors = 0 }: RunCommandConfig) {
  return { maxConcurrency, maxErrors };
}

/** The instances of a run. `byInventory`: those with other roles need another command. */
interface PlannedMembers {
  readonly members: readonly FleetInstanceReport[];
  readonly byInventory: boolean;
}

/** Returns the members of a run, each with its command's input. */
function toMembers(deps: StepDeps, found: FoundInstances): Failed | PlannedMembers {
  const selected = new Set(found.selected);
  const present = new Set(found.instances.filter(({ instanceId }) => selected.has(instanceId)).map(toPlatform));
  const platforms = new Set<Platform>();
  let byInventory = false;
  for (const platform of present) {
    const command = resolveNow(deps, { platform, roles: [] });
    if (command.kind === "problem" && command.code !== "PROFILE_PLATFORM") return toFailed(command);
    if (command.kind === "problem") continue;
    platforms.add(platform);
    byInventory ||= command.perInstanceInventory;
  }
  return { members: planMembers({ found, platforms, byInventory }), byInventory };
}

function toFailed({ code, message }: { readonly code: string; readonly message: string }): Failed {
  return failed({ code, message, retryable: false });
}

/** Plans a run for which SSM selects the instances: all that match the targets when the command arrives. */
function planTargets(deps: StepDeps): FleetRun | Failed {
  const command = resolveNow(deps, { platform: toTargetPlatform(deps.config), roles: "from-tags" });
  return command.kind === "problem" ? toFailed(command) : toTargetsRun(deps, { members: [], byInventory: false }, {});
}

function toTargetsRun(deps: StepDeps, planned: PlannedMembers, pinned: Pick<RunState, "isPinned">): FleetRun {
  const { maxConcurrency, maxErrors } = limitsOf(deps.config);
  const limits = { maxConcurrency: String(maxConcurrency), maxErrors: String(maxErrors) };
  return createRun({ ...startOf(deps), maxConcurrency, maxErrors, limits, way: "targets", ...planned, ...pinned });
}

function resolveNow({ config, ctx, options }: StepDeps, subject: Omit<CommandSubject, "startedAt">) {
  return resolveCommand(config, { ...subject, startedAt: ctx.clock.now() }, options.profiles);
}

/** Returns the platform of the targets, which SSM does not report. */
export function toTargetPlatform({ select }: RunCommandConfig): Platform {
  return select?.platform === "windows" ? "windows" : "linux";
}

/** Returns true if one command by tag serves all instances, without reaching any other. */
function isForTargets(config: RunCommandConfig, { members, byInventory }: PlannedMembers): boolean {
  const { select = {}, instanceIds, targetsAbove = DEFAULT_TARGETS_ABOVE } = config;
  if (instanceIds !== undefined || members.length <= targetsAbove) return false;
  const isNarrowed = (select.states ?? select.requireOnline) !== undefined || (select.platform ?? "any") !== "any";
  const [first] = members;
  if (isNarrowed || first === undefined || !TARGET_KEY.test(select.tagKey ?? DEFAULT_TAG_KEY)) return false;
  const key = toGroupKey(first, byInventory);
  return members.every((member) => member.state === "not-sent" && toGroupKey(member, byInventory) === key);
}

/** Loads the instances of a config, and selects those of the run. */
async function loadFound(aws: FleetAws, config: RunCommandConfig): Promise<FoundInstances> {
  const { select = {}, instance, instanceIds = instance === undefined ? undefined : [instance] } = config;
  if (instanceIds !== undefined) return loadFoundByIds(aws, config, instanceIds);
  const instances = await withAgents(aws, config, await loadFiltered(aws, toTagFilters(select)));
  return { instances, ...selectInstances(instances, select) };
}

/** Loads exactly these instances, if they still exist and may be used. */
async function loadFoundByIds(
  aws: FleetAws,
  config: RunCommandConfig,
  ids: readonly string[],
): Promise<FoundInstances> {
  const own = ids.filter((id) => id.startsWith("i-"));
  // An instance that one answer of EC2 does not list may exist.
  const listed = await lookUntilComplete(
    aws,
    () => loadByIds(aws, own),
    (found) => found.length >= new Set(own).size,
  );
  const known = [...listed, ...(await loadNodes(aws, ids))];
  const present = new Set(known.map(({ instanceId }) => instanceId));
  const gone = ids.filter((id) => !present.has(id)).map((instanceId) => ({ instanceId, code: INSTANCE_GONE }));
  const instances = await withAgents(aws, config, known);
  const tagged = selectInstances(
    instances.filter((instance) => !isTrusted(config, instance)),
    config.select,
  );
  const { selected, skipped } = selectTrusted(instances.filter((instance) => isTrusted(config, instance)));
  return {
    instances,
    selected: [...tagged.selected, ...selected],
    skipped: [...tagged.skipped, ...skipped, ...gone],
  };
}

/** Returns true if SSM's targets have selected the instance, or it is a managed node outside EC2, without EC2 tags. */
function isTrusted({ targets }: RunCommandConfig, { instanceId }: KnownInstance): boolean {
  return targets !== undefined || instanceId.startsWith("mi-");
}

function selectTrusted(instances: readonly KnownInstance[]): Pick<FoundInstances, "selected" | "skipped"> {
  const isRunning = ({ state }: KnownInstance) => state === "running";
  return {
    selected: instances.filter(isRunning).map(({ instanceId }) => instanceId),
    skipped: instances
      .filter((instance) => !isRunning(instance))
      .map(({ instanceId }) => ({ instanceId, code: "STATE_NOT_RUNNING" })),
  };
}

/** Loads managed nodes, which only SSM lists. */
async function loadNodes(aws: FleetAws, ids: readonly string[]): Promise<readonly KnownInstance[]> {
  const agents = await loadAgents(
    aws,
    ids.filter((id) => id.startsWith("mi-")),
  );
  return [...agents].map(([instanceId, { platformType = "" }]) => ({
    instanceId,
    state: "running",
    platform: platformType,
  }));
}

async function withAgents(
  aws: FleetAws,
  { select }: RunCommandConfig,
  instances: readonly KnownInstance[],
): Promise<readonly KnownInstance[]> {
  if (select?.requireOnline !== true) return instances;
  const agents = await loadAgents(
    aws,
    instances.map(({ instanceId }) => instanceId),
  );
  return instances.map((instance) => ({ ...instance, ssm: agents.get(instance.instanceId) ?? null }));
}

/** The tag that names an instance's roles, as in the predecessor. */
const ROLES_TAG = "Ansible_Roles";

/** Instances, and which of them are part of the run. */
interface FoundInstances {
  readonly instances: readonly KnownInstance[];
  readonly selected: readonly string[];
  readonly skipped: readonly { readonly instanceId: string; readonly code: string }[];
}

/** The input of a run's members. */
interface PlanMembersInput {
  readonly found: FoundInstances;
  /** Platforms that there is a command for. */
  readonly platforms: ReadonlySet<Platform>;
  /** True if roles are part of the command, so each instance's must form an inventory. */
  readonly byInventory: boolean;
}

/**
 * Returns the instances of a run's report: first those to send to, grouped by command; then those with invalid roles,
 * then skipped ones.
 */
export function planMembers({ found, platforms, byInventory }: PlanMembersInput): readonly FleetInstanceReport[] {
  const selected = new Set(found.selected);
  const members: FleetInstanceReport[] = [];
  for (const instance of found.instances) {
    if (!selected.delete(instance.instanceId)) continue;
    members.push(toMember(instance, { platforms, byInventory }));
  }
  const groups = Map.groupBy(members, (member) => `${rankOf(member)} ${toGroupKey(member, byInventory)}`);
  const skipped = found.skipped.map(({ instanceId, code }) => toSkipped(instanceId, code));
  const sorted = [...groups].toSorted(([a], [b]) => Number(a[0]) - Number(b[0]));
  return [...sorted.flatMap(([, group]) => group), ...skipped];
}

/** Returns an instance that a run skips. */
export function toSkipped(instanceId: unknown, code: string): FleetInstanceReport {
  return { instanceId: String(instanceId), state: "skipped", code, roles: [] };
}

function toMember(
  instance: KnownInstance,
  { platforms, byInventory }: Pick<PlanMembersInput, "platforms" | "byInventory">,
): FleetInstanceReport {
  const { instanceId, tags = [] } = instance;
  const platform = toPlatform(instance);
  const found = inventory(tags.find(({ key }) => key === ROLES_TAG)?.value);
  const roles = "code" in found ? [] : found.roles;
  if (!platforms.has(platform)) return { ...toSkipped(instanceId, "PLATFORM_MISMATCH"), roles, platform };
  if ("code" in found && byInventory) return { instanceId, state: "failed", code: found.code, roles, platform };
  return { instanceId, state: "not-sent", roles, platform };
}

function rankOf({ state }: FleetInstanceReport): number {
  return state === "not-sent" ? 0 : state === "failed" ? 1 : 2;
}

/** Whom a command is for, and when its run began. */
interface CommandSubject {
  readonly platform: Platform;
  /** The roles of all its instances. `from-tags`: they differ, and each instance reads its own tag. */
  readonly roles: readonly string[] | "from-tags";
  readonly startedAt: number;
}

/** For a dry run that names none: it sends nothing, and the selection does not depend on the artifact. */
const ANY_ARTIFACT = { bucket: "any", key: "any", sha256: "0".repeat(64) };

/** Returns the document and parameters for instances of one platform with the same roles. */
export function resolveCommand(
  config: RunCommandConfig,
  subject: CommandSubject,
  profiles: Readonly<Record<string, ProfileDefinition>> = {},
): ResolvedProfile | ProfileProblem {
  const timeoutSeconds = Math.ceil(toLengths(config).timeout / 1_000);
  if (config.document !== undefined) return toOwnDocument(config, config.document, timeoutSeconds);
  return resolveProfile(config.profile ?? "ansible", {
    artifact: config.artifact ?? (config.dryRun === true ? ANY_ARTIFACT : undefined),
    inventory: toInventory(subject.roles),
    platform: subject.platform,
    timeoutSeconds,
    stamp: new Date(subject.startedAt).toISOString().replace(/\D/g, "").slice(0, 14),
    profiles,
  });
}

/** Shell documents of AWS have their own time limit, an hour by default. */
const SHELL_DOCUMENTS: ReadonlySet<string> = new Set(["AWS-RunShellScript", "AWS-RunPowerShellScript"]);

function toOwnDocument(config: RunCommandConfig, documentName: string, timeoutSeconds: number): ResolvedProfile {
  const { documentVersion, parameters = {} } = config;
  const limit = SHELL_DOCUMENTS.has(documentName) ? { executionTimeout: [String(timeoutSeconds)] } : {};
  return {
    kind: "resolved",
    documentName,
    ...defined({ documentVersion }),
    parameters: { ...limit, ...parameters },
    perInstanceInventory: false,
  };
}

/** After the limits of a command, what SSM takes to note its end. */
const NOTED_WITHIN_MS = 10 * 60_000;

/**
 * Returns how long an agent works on a command of the run at most; undefined where the document decides that, or a profile
 * of the user.
 */
export function toLongestMs(config: RunCommandConfig): number | undefined {
  const { document, parameters, profile = "ansible" } = config;
  const isShell = document !== undefined && SHELL_DOCUMENTS.has(document) && !parameters?.["executionTimeout"];
  if (!isShell && (document !== undefined || profile !== "ansible")) return undefined;
  const { timeout, deliveryTimeout } = toLengths(config);
  return timeout + deliveryTimeout + NOTED_WITHIN_MS;
}

function toInventory(roles: CommandSubject["roles"]): string | { readonly kind: "from-tags" } {
  if (roles === "from-tags") return { kind: "from-tags" };
  const found = inventory(roles.join());
  return "code" in found ? "" : found.text;
}

/**
 * Retries a run: checks exactly the instances that did not succeed again and resets them to waiting. Running commands
 * continue. All pages must be loaded.
 */
export async function retryRun(deps: StepDeps, run: FleetRun): Promise<FleetRun | Failed> {
  const { aws, config } = deps;
  const ids = listItems(run).flatMap((instance) => (isToBeTried(instance) ? [instance.instanceId] : []));
  const planned = toMembers(deps, await loadFoundByIds(aws, config, ids));
  if ("kind" in planned) return planned;
  const byId = new Map(planned.members.map((member) => [member.instanceId, member]));
  const { state, pages } = updateInstances(run, (instance) =>
    isToBeTried(instance) ? (byId.get(instance.instanceId) ?? instance) : instance,
  );
  const { byInventory } = planned;
  const members = listItems({ pages });
  const fresh = createRun({ ...startOf(deps), ...limitsOf(config), way: "ids", byInventory, members });
  const { nextChunk, sending, sendingAt, lastSentAt, tallies } = state;
  return { pages, state: { ...fresh.state, nextChunk, sending, tallies, ...defined({ sendingAt, lastSentAt }) } };
}

/** Returns true for instances to retry: skipped ones were not part of the run, and running ones continue. */
function isToBeTried({ state }: FleetInstanceReport): boolean {
  return state === "failed" || state === "cancelled" || state === "not-sent";
}
