import { ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { toAwsError } from "@stackyard/aws";
import {
  continueLater,
  defined,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  failed,
  formatNames,
  isStackyardError,
  mapLimited,
  matchesGlob,
  type PluginContext,
  type Running,
  running,
  type Step,
  succeeded,
} from "@stackyard/core";
import { readYardName } from "@stackyard/core/environment";
import { listInventories, terraformInventories, toStackTags, toStateName } from "@stackyard/core/services";
import {
  type LeakCheckConfig,
  type LeakCheckOutputs,
  type LeakCheckProgress,
  leakCheckDefinition,
  toSearchMs,
  toSettleMs,
} from "./definition.ts";
import { isOutage } from "./is-outage.ts";
import { listTagged, withGlobalRegion } from "./list-tagged.ts";
import { listUnsaved } from "./list-unsaved.ts";

const REGIONS_AT_ONCE = 4;
const MOST_NAMES = 20;
const MOST_LINES = 500;
const MOST_FOUND = 10_000;

type LeakCheckStep = Step<LeakCheckProgress, LeakCheckOutputs>;

/**
 * Creates the executor `leak-check`: succeeds when nothing of the stack is left, which is when the inventories of its
 * Terraform states are empty, all runs have saved their states, and a search for its tags finds nothing twice in a row;
 * without such a search, when the first two are so. Fails with LEFT_BEHIND, LEAK_CHECK_DENIED, LEAK_CHECK_NEEDS_TARGET, LEAK_CHECK_NOT_CONFIGURED,
 * LEAK_CHECK_CANCELLED.
 */
export function createLeakCheckExecutor({ environment }: Pick<PluginContext, "environment">): Executor {
  const yard = readYardName(environment);
  return defineExecutor({
    ...leakCheckDefinition,
    start: (ctx, config) => look({ ctx, config, yard, progress: {} }),
    poll: (ctx, config, progress) => look({ ctx, config, yard, progress }),
    cancel: async () => failed({ code: "LEAK_CHECK_CANCELLED", message: "The check was cancelled.", retryable: false }),
  });
}

interface LookInput {
  readonly ctx: ExecutorContext;
  readonly config: LeakCheckConfig;
  readonly yard: string;
  readonly progress: LeakCheckProgress;
}

async function look(input: LookInput): Promise<LeakCheckStep> {
  const { ctx, config } = input;
  if (ctx.target === undefined && config.regions?.length !== 0) {
    const message = "The check needs a target, whose account it searches. Without AWS, set `regions: []`.";
    return failed({ code: "LEAK_CHECK_NEEDS_TARGET", message, retryable: false });
  }
  const describe = (error: unknown) => toAwsError(error, "The tags of resources cannot be searched.").message;
  const { foundAt } = input.progress;
  try {
    // A failed search is not the first of two that find nothing.
    const options = { ctx, progress: defined({ foundAt }), isPassing: isOutage, everyMs: toSearchMs(config), describe };
    return await continueLater(options, async () => {
      const step = decide(input, await findLeft(input));
      if (step.kind === "succeeded") await forgetVanished(ctx);
      return step;
    });
  } catch (error) {
    return toFaultStep(error, describe);
  }
}

function decide(input: LookInput, left: readonly string[]): LeakCheckStep {
  const { ctx, config, progress } = input;
  const now = ctx.clock.now();
  // Inventories are exact immediately. AWS lists new resources late, and deleted ones for a while.
  const isExact = toRegions(ctx, config).length === 0;
  if (left.length === 0) {
    if (isExact) return succeeded({ regions: 0 });
    const cleanAt = progress.cleanAt ?? now;
    if (now - cleanAt >= toSearchMs(config)) return succeeded({ regions: toRegions(ctx, config).length });
    return again(input, { cleanAt }, "Nothing was found. A second search follows.");
  }
  const foundAt = progress.foundAt ?? now;
  const leftMs = isExact ? 0 : foundAt + toSettleMs(config) - now;
  const text = formatNames(left, MOST_NAMES);
  if (leftMs > 0) return again(input, { foundAt }, `Still listed: ${text}`, leftMs);
  for (const line of left.slice(0, MOST_LINES)) ctx.report(line);
  const message = `Resources of the stack are left: ${text}. Remove them and run the task again, or name them in \`ignore\`.`;
  return failed({ code: "LEFT_BEHIND", message, retryable: true });
}

function again(
  { config }: LookInput,
  progress: LeakCheckProgress,
  message: string,
  leftMs = Number.POSITIVE_INFINITY,
): Running<LeakCheckProgress> {
  return running({ progress, pollAfterMs: Math.min(toSearchMs(config), leftMs), message });
}

/** Returns the ARNs and addresses that are left, without those to ignore. */
async function findLeft({ ctx, config, yard }: LookInput): Promise<readonly string[]> {
  const { stackId, machine, signal } = ctx;
  const left: string[] = [];
  const searched = new Set<string>();
  // What is still where its ARN says carries the tags of the stack: a search there finds it.
  const isSearched = ({ arn }: { readonly arn?: string }) => {
    const [, , , region, account] = arn?.split(":") ?? [];
    if (toRegions(ctx, config).length === 0 || !region || account !== ctx.target?.account) return false;
    searched.add(region);
    return true;
  };
  for await (const inventory of listInventories(ctx, { stackId, machine })) {
    const { state, count, resources, forgotten = [], vanished = [] } = inventory;
    const isKept = ({ address, arn = "" }: (typeof resources)[number]) =>
      ![address, arn].some((text) => isIgnored(config, text));
    left.push(...resources.filter(isKept).map(({ address, arn }) => arn ?? `${address} in ${state}`));
    left.push(...forgotten.filter(isKept).map(({ address, arn }) => arn ?? `${address}, forgotten by ${state}`));
    const unseen = vanished.filter((each) => isKept(each) && !isSearched(each));
    left.push(...unseen.map(({ address, arn }) => `${arn ?? address}, not found by ${state}`));
    // An inventory lists at most as many resources as fit into its record.
    if (count > resources.length) left.push(`${count - resources.length} more resources in ${state}`);
  }
  for await (const { run, name, keys } of listUnsaved(ctx, { stackId, machine })) {
    if (!keys.some((key) => isIgnored(config, key))) left.push(`${name}, not saved in ${run.state}`);
  }
  const tags = toStackTags({ yard, stackId, machine });
  const regions = [...new Set([...toRegions(ctx, config), ...searched])];
  const arns = await mapLimited(regions, REGIONS_AT_ONCE, async (region) => {
    const found: string[] = [];
    for await (const { arn } of listTagged(ctx.aws(ResourceGroupsTaggingAPIClient, region), tags, signal)) {
      if (!isIgnored(config, arn)) found.push(arn);
      // More would not be named anyway.
      if (found.length >= MOST_FOUND) break;
    }
    return found;
  });
  return [...new Set([...left, ...arns.flat()])];
}

/** Takes out of the inventories what was not found where it was made, or is to be ignored. */
async function forgetVanished(ctx: ExecutorContext): Promise<void> {
  const { stackId, machine } = ctx;
  for await (const { state, vanished } of listInventories(ctx, { stackId, machine })) {
    if (vanished === undefined) continue;
    await terraformInventories.change(ctx, toStateName(state), (found) => {
      if (found === undefined) return {};
      const { vanished: _, ...value } = found.value;
      return { write: { value } };
    });
  }
}

function isIgnored({ ignore = [] }: LeakCheckConfig, text: string): boolean {
  return ignore.some((pattern) => matchesGlob(pattern, text));
}

/**
 * Returns the regions to search, including that of global services; none for an empty list, which disables the search.
 */
function toRegions({ target }: ExecutorContext, { regions }: LeakCheckConfig): readonly string[] {
  if (target === undefined || regions?.length === 0) return [];
  return withGlobalRegion(regions ?? [target.region], target.partition);
}

/** Ends the check when the search is denied: it is not a success. */
function toFaultStep(error: unknown, describe: (error: unknown) => string): LeakCheckStep {
  if (isStackyardError(error, "CONFIG_INVALID")) {
    return failed({ code: "LEAK_CHECK_NOT_CONFIGURED", message: error.message, retryable: false });
  }
  if (isStackyardError(error)) throw error;
  const advice = "The role of the target needs the permission tag:GetResources.";
  return failed({ code: "LEAK_CHECK_DENIED", message: `${describe(error)} ${advice}`, retryable: false });
}
