import { join } from "node:path";
import { changeRecord, defined, type ExecutorContext, isStackyardError, toShellCommand } from "@stackyard/core";
import { parseAttemptId } from "@stackyard/core/machine";
import {
  countHeld,
  listInventories,
  TerraformInventory,
  terraformInventories,
  toStateName,
} from "@stackyard/core/services";
import { Value } from "typebox/value";
import { TerraformFailure } from "../run/failure.ts";
import type { StagedRun } from "../run/staged-run.ts";
import { callTerraform } from "../run/terraform-call.ts";
import { digestDefaultTags } from "../settings.ts";
import { loadPlace } from "./backend.ts";
import { listVanished, type VanishedResource } from "./list-vanished.ts";
import { readShownResources } from "./state-document.ts";
import type { StateReader } from "./state-reader.ts";
import type { StreamResource } from "./stream-resources.ts";
import { loadYardState } from "./yard-state.ts";

/** A record has at most 256 KiB. */
const MAX_BYTES = 200 * 1024;

/**
 * Compares the program with the last writer of the state: Terraform and OpenTofu can read each other's states only in
 * part. Fails with TERRAFORM_PRODUCT_CHANGED.
 */
export async function checkProduct({ ctx, config, program, stateKey }: StagedRun): Promise<void> {
  if (config.switchProduct === true || program.product === "") return;
  const last = await findInventory(ctx, stateKey);
  if (last === undefined || last.count === 0 || [program.product, ""].includes(last.product)) return;
  const text =
    `The state was last written by ${last.product} ${last.version}, and the program is ${program.product} ${program.version}. ` +
    "Choose the program by `binary`, or set `switchProduct: true` once.";
  throw new TerraformFailure("TERRAFORM_PRODUCT_CHANGED", text);
}

/**
 * Compares the account and the region with those of the last run: in others, a destroy finds nothing, and an apply makes everything
 * a second time. Fails with TERRAFORM_TARGET_CHANGED.
 */
export async function checkTarget({ ctx, config, stateKey }: StagedRun): Promise<void> {
  if (config.switchTarget === true || config.sharedState !== undefined) return;
  const last = await findInventory(ctx, stateKey);
  const target = toTarget(ctx) ?? "the account and region of the runner";
  if (last?.target === undefined || last.target === target || countHeld(last) === 0) return;
  const count = countHeld(last);
  const held = count === 1 ? "The resource of the state is" : `The ${count} resources of the state are`;
  const text =
    `${held} in ${last.target}, and this run would be in ${target}. Nothing was changed. ` +
    "Restore the target of the task. If the resources were moved, or do not exist any more, set `switchTarget: true` once.";
  throw new TerraformFailure("TERRAFORM_TARGET_CHANGED", text);
}

/** Reports the role and the tags that are others than those of the last run: they explain a denial, and changes of all resources. */
export async function reportNewTerms(run: StagedRun): Promise<void> {
  const { ctx, stateKey, config } = run;
  const last = config.sharedState === undefined ? await findInventory(ctx, stateKey) : undefined;
  if (last === undefined) return;
  const { role, tags } = toTerms(run);
  if (last.role !== role) {
    ctx.report(`The last run had ${last.role ?? "no role"}, and this one has ${role ?? "no role"}.`);
  }
  if (last.tags !== undefined && last.tags !== tags && last.count > 0) {
    ctx.report("The yard's tags are others than those of the last run: what has them changes.");
  }
}

function toTerms({
  ctx,
  environment,
}: StagedRun): Required<Pick<TerraformInventory, "tags">> & Pick<TerraformInventory, "role"> {
  return { tags: digestDefaultTags(environment), ...defined({ role: ctx.target?.role }) };
}

function toTarget({ target }: Pick<ExecutorContext, "target">): string | undefined {
  return target && `${target.account} ${target.region}`;
}

/**
 * Compares the place of the state with that after the last run, when it contained resources: with another or an empty
 * state, everything would be created twice, and nothing destroyed. Fails with TERRAFORM_BACKEND_CHANGED, TERRAFORM_SOURCE_CHANGED.
 */
export async function checkLastState(run: StagedRun, place: string): Promise<void> {
  const { ctx, config, stateKey } = run;
  if (config.switchBackend === true || config.sharedState !== undefined) return;
  const last = await findInventory(ctx, stateKey);
  if (last === undefined) await checkOtherStates(run);
  if (last === undefined || last.count === 0) return;
  const had = `After the last run, the state had ${last.count} ${last.count === 1 ? "resource" : "resources"}`;
  if (last.place !== undefined && last.place !== place) {
    const text =
      `${had} and was in ${last.place}; the configuration now uses ${place}. Nothing was changed. ` +
      "Move the state there, then set `switchBackend: true` once, or restore the backend.";
    throw new TerraformFailure("TERRAFORM_BACKEND_CHANGED", text);
  }
  if (!(await isStateMissing(run))) return;
  const restore = run.isYard
    ? `Restore it with \`${toShellCommand`stackyard states restore ${stateKey}`}\``
    : "Restore it there";
  const text =
    `${had}, and now it is missing in ${run.isYard ? "the yard" : place}. Nothing was changed. ${restore}, ` +
    "or set `switchBackend: true` once if the resources do not exist any more.";
  throw new TerraformFailure("TERRAFORM_BACKEND_CHANGED", text);
}

/**
 * Compares the state of a task with the one in which it made resources before: after another source or name, everything would
 * be created twice, and the first set would belong to no task. Fails with TERRAFORM_SOURCE_CHANGED.
 */
async function checkOtherStates({ ctx, config, stateKey }: StagedRun): Promise<void> {
  if (config.action === "destroy") return;
  for (const { task, state, count } of await listOwnInventories(ctx)) {
    if (task !== ctx.task || state === stateKey || count === 0) continue;
    const text =
      `The task "${ctx.task}" has made ${count} ${count === 1 ? "resource" : "resources"} in the state ${state}, and would now make them again in ${stateKey}. ` +
      "Nothing was changed. Restore its source, or the name of its state. If these are other resources, set `switchBackend: true` once.";
    throw new TerraformFailure("TERRAFORM_SOURCE_CHANGED", text);
  }
}

/** Returns the inventories of the stack; none when the runner has no store. */
async function listOwnInventories(ctx: ExecutorContext): Promise<readonly TerraformInventory[]> {
  const found: TerraformInventory[] = [];
  try {
    for await (const inventory of listInventories(ctx, ctx)) found.push(inventory);
  } catch (error) {
    if (!isStackyardError(error, "CONFIG_INVALID")) throw error;
  }
  return found;
}

/** The output of `state list` where a backend has no state; for an empty state it prints nothing. */
const NO_STATE = /^(?:Error: )?No state file was found/m;

/** Returns true if the state does not exist. Of other backends only the program knows, which starts no provider for this. */
async function isStateMissing(run: StagedRun): Promise<boolean> {
  if (run.isYard) return (await loadYardState(run))?.kind === "missing";
  const call = { command: "state", arguments: ["list"] } as const;
  const end = await callTerraform(run, call, () => undefined);
  return end.code !== 0 && NO_STATE.test(end.tail.text(MAX_BYTES));
}

/** The part of a run's end on which its inventory depends. */
interface RunEnd {
  /** The number of the run among those of its state. */
  readonly sequence: number;
  /** Reads the state after the run. Undefined content: it is encrypted or cannot be read. */
  readonly state: StateReader;
  /** True if everything was destroyed. */
  readonly isEmpty: boolean;
  /** True if the program reported that it did nothing. */
  readonly isUnchanged: boolean;
  /** Addresses that were to be removed from the state without being destroyed. */
  readonly forgets: readonly string[];
  /** Addresses of objects that were to be brought into the state. */
  readonly imports: readonly string[];
  /** Addresses of what the run has deleted; undefined if its stream does not say all of them. */
  readonly deleted: ReadonlySet<string> | undefined;
  /** The content of the state after a run that succeeded, as far as its stream contains it. */
  readonly streamed: readonly StreamResource[] | undefined;
}

/**
 * Records the content of the state after an apply or destroy, also a failed one. A runner without a store records
 * nothing, and an unreadable state leaves the earlier record, which is better than none.
 */
export async function recordInventory(run: StagedRun, end: RunEnd): Promise<void> {
  const { ctx, stateKey, config } = run;
  // Resources of a shared state do not belong to the stack.
  if (config.sharedState !== undefined) return;
  try {
    const key = toInventoryKey(stateKey);
    const now = ctx.clock.now();
    const present = await ctx.records.get(key, now);
    const last = present !== undefined && Value.Check(TerraformInventory, present.value) ? present.value : undefined;
    const place = await loadPlace(run);
    const found = await listResources(run, end, last?.place === place ? last : undefined);
    if (found === undefined) return ctx.report("The resources of the state could not be listed.");
    const resources = found.map(({ address, arn }) => ({ address, ...defined({ arn }) }));
    const { sequence } = end;
    const forgotten = listForgotten(last, resources, end.forgets);
    const { deleted, forgets } = end;
    const vanished = listVanished({ last, resources, forgets, deleted, target: ctx.target, now });
    const imported = listImported(last, resources, end);
    const value = toInventory(run, { resources, imported, forgotten, vanished, place, sequence });
    await changeRecord({
      ...ctx,
      key,
      // The state's key is exclusive, but the runner of an earlier run may have been frozen meanwhile.
      decide: (stored) => (sequenceOf(stored?.value) > sequence ? {} : { write: { value } }),
    });
  } catch (error) {
    if (error instanceof TerraformFailure) return ctx.report("The resources of the state could not be listed.");
    if (!isStackyardError(error, "CONFIG_INVALID")) throw error;
  }
}

function sequenceOf(value: unknown): number {
  return Value.Check(TerraformInventory, value) ? (value.sequence ?? 0) : 0;
}

/** Lists the resources of the state: from the yard's backend or the stream, else from the program. */
async function listResources(
  run: StagedRun,
  { state, isEmpty, isUnchanged, streamed }: RunEnd,
  last: TerraformInventory | undefined,
): Promise<readonly InventoryResource[] | undefined> {
  if (isEmpty) return [];
  if (state.stored !== undefined) return state.stored.resources;
  const known = last !== undefined && last.count === last.resources.length ? last.resources : undefined;
  if (isUnchanged && known !== undefined) return known;
  return withArns(streamed, known ?? []) ?? (await state.pull())?.resources ?? (await showResources(run));
}

/** Adds the ARNs that the last record has, because the stream has none. Returns undefined if one may be missing. */
function withArns(
  streamed: readonly StreamResource[] | undefined,
  last: readonly InventoryResource[],
): readonly InventoryResource[] | undefined {
  const known = new Map(last.map((resource) => [resource.address, resource]));
  const found = streamed?.map(({ address, isNew, mayHaveArn }) =>
    mayHaveArn ? (isNew ? undefined : known.get(address)) : { address },
  );
  return found?.every((resource) => resource !== undefined) ? found : undefined;
}

/** Lists the resources of a state that only the program can decrypt. It starts the providers for this. */
async function showResources(run: StagedRun): Promise<readonly InventoryResource[] | undefined> {
  const call = { command: "show", arguments: ["-json", "-no-color"] } as const;
  const end = await callTerraform(run, call, () => undefined);
  if (end.code !== 0) return undefined;
  return readShownResources({ from: { path: join(run.folder, "show.out") }, report: (line) => run.ctx.report(line) });
}

/** Returns what was forgotten, now or earlier, and is not in the state again. */
function listForgotten(
  last: TerraformInventory | undefined,
  resources: readonly InventoryResource[],
  forgets: readonly string[],
): readonly InventoryResource[] {
  const known = new Map(last?.resources.map((resource) => [resource.address, resource]));
  const all = [...(last?.forgotten ?? []), ...[...forgets].sort().map((address) => known.get(address) ?? { address })];
  const arns = new Set(resources.flatMap(({ arn }) => arn ?? []));
  const addresses = new Set(resources.map(({ address }) => address));
  const gone = all.filter(({ address, arn }) => (arn === undefined ? !addresses.has(address) : !arns.has(arn)));
  return [...new Map(gone.map((resource) => [`${resource.address} ${resource.arn ?? ""}`, resource])).values()];
}

/** Returns what imports have brought into the state, now or earlier, and is still in it. What has an ARN is known by that. */
function listImported(
  last: TerraformInventory | undefined,
  resources: readonly InventoryResource[],
  { imports, deleted }: Pick<RunEnd, "imports" | "deleted">,
): readonly InventoryResource[] {
  const before = last?.imported ?? [];
  const arns = new Set(before.flatMap(({ arn }) => arn ?? []));
  const kept = before.filter(({ address, arn }) => arn === undefined && deleted?.has(address) !== true);
  const addresses = new Set([...kept.map(({ address }) => address), ...imports]);
  return resources.filter(({ address, arn }) => addresses.has(address) || (arn !== undefined && arns.has(arn)));
}

/** Returns the addresses of what existed before it came into a state, unless the task may delete it. */
export async function findImported({ ctx, config, stateKey }: StagedRun): Promise<ReadonlySet<string>> {
  if (config.destroyImported === true || config.sharedState !== undefined) return new Set();
  const inventory = await findInventory(ctx, stateKey);
  return new Set(inventory?.imported?.map(({ address }) => address));
}

/** Returns the record of a state; undefined without one, or when the runner has no store. */
export async function findInventory(ctx: ExecutorContext, stateKey: string): Promise<TerraformInventory | undefined> {
  try {
    const found = await ctx.records.get(toInventoryKey(stateKey), ctx.clock.now());
    return found !== undefined && Value.Check(TerraformInventory, found.value) ? found.value : undefined;
  } catch (error) {
    if (isStackyardError(error, "CONFIG_INVALID")) return undefined;
    throw error;
  }
}

type InventoryResource = TerraformInventory["resources"][number];

interface InventoryInput {
  readonly resources: readonly InventoryResource[];
  readonly imported: readonly InventoryResource[];
  readonly forgotten: readonly InventoryResource[];
  readonly vanished: readonly VanishedResource[];
  readonly place: string;
  readonly sequence: number;
}

function toInventory(
  run: StagedRun,
  { resources, imported, forgotten, vanished, place, sequence }: InventoryInput,
): TerraformInventory {
  const { ctx, config, program, stateKey } = run;
  // Forgotten resources are in no state any more, so they come first.
  const lost = toFitting(forgotten, MAX_BYTES / 4);
  const unseen = toFitting(vanished, MAX_BYTES / 4);
  const foreign = toFitting(imported, MAX_BYTES / 4);
  return {
    stack: ctx.stackId,
    machine: ctx.machine,
    incarnation: parseAttemptId(ctx.attempt.id)?.incarnation ?? "",
    task: ctx.task,
    state: stateKey,
    product: program.product,
    version: program.version,
    at: ctx.clock.now(),
    place,
    sequence,
    ...defined({ target: toTarget(ctx) }),
    ...toTerms(run),
    ...(config.keep === true && { keep: true }),
    count: resources.length,
    resources: toFitting(resources, MAX_BYTES - Buffer.byteLength(JSON.stringify([lost, unseen, foreign]))),
    ...(foreign.length === 0 ? {} : { imported: foreign }),
    ...(lost.length === 0 ? {} : { forgotten: lost }),
    ...(unseen.length === 0 ? {} : { vanished: unseen }),
  };
}

/** Returns the first resources, as many as fit. */
export function toFitting<Resource>(resources: readonly Resource[], maxBytes: number): Resource[] {
  let bytes = 0;
  return resources.filter((resource) => {
    bytes += Buffer.byteLength(JSON.stringify(resource)) + 1;
    return bytes <= maxBytes;
  });
}

/** Returns a key, readable up to its cut, and unique for each state. */
export function toInventoryKey(stateKey: string): string {
  return terraformInventories.toKey(toStateName(stateKey));
}
