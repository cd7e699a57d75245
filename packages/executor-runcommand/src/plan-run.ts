import { type Failed, failed } from "@stackyard/core";
import { createRun } from "./create-run.ts";
import type { RunCommandConfig } from "./definition.ts";
import type { FleetInstanceReport } from "./fleet-report.ts";
import type { FleetRun } from "./fleet-run.ts";
import { loadFound } from "./load-found.ts";
import { toGroupKey } from "./next-action.ts";
import { type FoundInstances, planMembers } from "./plan-members.ts";
import { resolveCommand } from "./resolve-command.ts";
import type { RunCommandOptions } from "./run-command-options.ts";
import { DEFAULT_TAG_KEY, type Platform, toPlatform } from "./select-instances.ts";
import type { FleetAws } from "./ssm/call-aws.ts";

/** What a plan is made of. */
export interface PlanDeps {
  readonly aws: FleetAws;
  readonly config: RunCommandConfig;
  readonly profiles: RunCommandOptions["profiles"];
}

/** Whose run it is, and when it began. */
export interface PlanInput {
  readonly runId: string;
  readonly attempt: string;
  readonly startedAt: number;
  readonly artifact?: RunCommandConfig["artifact"];
}

const DEFAULT_CONCURRENCY = "50";
const DEFAULT_TARGETS_ABOVE = 500;

/** Tags may have keys that a target may not (API reference, `Target`). */
const TARGET_KEY = /^[\p{L}\p{Z}\p{N}_.:/=\-@]{1,159}$/u;

/** Selects the instances of a run and groups them; nothing is written. Fails where there is no command for them. */
export async function planRun(deps: PlanDeps, input: PlanInput): Promise<FleetRun | Failed> {
  const { config } = deps;
  if (config.targets !== undefined && config.instanceIds === undefined) return planTargets(deps, input);
  return toRun(deps, input, await loadFound(deps.aws, config));
}

/** The run of instances that are known. */
export function toRun(deps: PlanDeps, input: PlanInput, found: FoundInstances): FleetRun | Failed {
  const members = toMembers(deps, input, found);
  if ("kind" in members) return members;
  const { config } = deps;
  const isOneCommand = isForTargets(config, members);
  const run = createRun({
    ...input,
    way: isOneCommand ? "targets" : "ids",
    byInventory: members.byInventory,
    members: members.members,
    maxConcurrency: config.maxConcurrency ?? DEFAULT_CONCURRENCY,
    maxErrors: config.maxErrors ?? 0,
  });
  return isOneCommand ? withLimits({ ...run, state: { ...run.state, isPinned: true } }, config) : run;
}

/** What instances of a run become, each with what it is sent. */
export function toMembers(
  { config, profiles }: PlanDeps,
  { startedAt }: Pick<PlanInput, "startedAt">,
  found: FoundInstances,
): Failed | { readonly members: readonly FleetInstanceReport[]; readonly byInventory: boolean } {
  const selected = new Set(found.selected);
  const present = new Set(found.instances.filter(({ instanceId }) => selected.has(instanceId)).map(toPlatform));
  const platforms = new Set<Platform>();
  let byInventory = false;
  for (const platform of present) {
    const command = resolveCommand(config, { platform, roles: [], startedAt }, profiles);
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

/** SSM finds the instances: whoever fits the targets when the command arrives. */
function planTargets({ config, profiles }: PlanDeps, input: PlanInput): FleetRun | Failed {
  const { startedAt } = input;
  const command = resolveCommand(
    config,
    { platform: toTargetPlatform(config), roles: "from-tags", startedAt },
    profiles,
  );
  if (command.kind === "problem") return toFailed(command);
  const maxConcurrency = config.maxConcurrency ?? DEFAULT_CONCURRENCY;
  const run = createRun({
    ...input,
    way: "targets",
    byInventory: false,
    members: [],
    maxConcurrency,
    maxErrors: config.maxErrors ?? 0,
  });
  return withLimits(run, config);
}

/** SSM does not say which platform its targets have. */
export function toTargetPlatform({ select }: RunCommandConfig): Platform {
  return select?.platform === "windows" ? "windows" : "linux";
}

function withLimits(
  run: FleetRun,
  { maxConcurrency = DEFAULT_CONCURRENCY, maxErrors = 0 }: RunCommandConfig,
): FleetRun {
  const limits = { maxConcurrency: String(maxConcurrency), maxErrors: String(maxErrors) };
  return { ...run, state: { ...run.state, limits } };
}

/** Many instances that one command by their tag serves as well, without any that it should not reach. */
function isForTargets(
  config: RunCommandConfig,
  { members, byInventory }: { readonly members: readonly FleetInstanceReport[]; readonly byInventory: boolean },
): boolean {
  const { select = {}, instanceIds, targetsAbove = DEFAULT_TARGETS_ABOVE } = config;
  if (instanceIds !== undefined || members.length <= targetsAbove) return false;
  const isNarrowed = (select.states ?? select.requireOnline) !== undefined || (select.platform ?? "any") !== "any";
  const [first] = members;
  if (isNarrowed || first === undefined || !TARGET_KEY.test(select.tagKey ?? DEFAULT_TAG_KEY)) return false;
  const key = toGroupKey(first, byInventory);
  return members.every((member) => member.state === "not-sent" && toGroupKey(member, byInventory) === key);
}
