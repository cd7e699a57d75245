import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ExecutorContext, isMap, isStackyardError, parseJson } from "@stackyard/core";
import { parseAttemptId } from "@stackyard/core/machine";
import { toStateName } from "@stackyard/core/services";
import { Value } from "typebox/value";
import { TerraformInventory, toInventoryPrefix } from "./definition.ts";
import { type JsonObject, listAt, objectAt, TerraformFailure, textAt } from "./failure.ts";
import type { StagedRun } from "./staged-run.ts";
import { callTerraform } from "./terraform-call.ts";

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
 * Records the content of the state after an apply or destroy, also a failed one. A runner without a store records
 * nothing, and an unreadable state leaves the earlier record, which is better than none.
 */
export async function recordInventory(run: StagedRun): Promise<void> {
  const { ctx, stateKey } = run;
  try {
    const call = { command: "show", arguments: ["-json", "-no-color"] } as const;
    const end = await callTerraform(run, call, () => undefined);
    const state = end.code === 0 ? parseJson(await readFile(join(run.folder, "show.out"), "utf8")) : undefined;
    if (!isMap(state)) return ctx.report("The resources of the state could not be listed.");
    const value = toInventory(run, listResources(objectAt(objectAt(state, "values"), "root_module")));
    const key = toInventoryKey(stateKey);
    const now = ctx.clock.now();
    const present = await ctx.records.get(key, now);
    // The state's key is exclusive, so there are no concurrent writers of this record.
    await ctx.records.put({ key, value, expected: present?.version ?? "absent", now });
  } catch (error) {
    if (error instanceof TerraformFailure) return ctx.report("The resources of the state could not be listed.");
    if (!isStackyardError(error, "CONFIG_INVALID")) throw error;
  }
}

/** Returns the record of a state; undefined without one, or when the runner has no store. */
async function findInventory(ctx: ExecutorContext, stateKey: string): Promise<TerraformInventory | undefined> {
  try {
    const found = await ctx.records.get(toInventoryKey(stateKey), ctx.clock.now());
    return found !== undefined && Value.Check(TerraformInventory, found.value) ? found.value : undefined;
  } catch (error) {
    if (isStackyardError(error, "CONFIG_INVALID")) return undefined;
    throw error;
  }
}

type InventoryResource = TerraformInventory["resources"][number];

function toInventory(run: StagedRun, resources: readonly InventoryResource[]): TerraformInventory {
  const { ctx, program, stateKey } = run;
  let bytes = 0;
  const kept = resources.filter((resource) => {
    bytes += Buffer.byteLength(JSON.stringify(resource)) + 1;
    return bytes <= MAX_BYTES;
  });
  return {
    stack: ctx.stackId,
    machine: ctx.machine,
    incarnation: parseAttemptId(ctx.attempt.id)?.incarnation ?? "",
    state: stateKey,
    product: program.product,
    version: program.version,
    at: ctx.clock.now(),
    count: resources.length,
    resources: kept,
  };
}

/** Returns the managed resources of a module and its submodules. ARNs are not secret; other values are left out. */
function listResources(module: JsonObject): InventoryResource[] {
  const resources = listAt(module, "resources").filter((resource) => textAt(resource, "mode") === "managed");
  const own = resources.map((resource): InventoryResource => {
    const address = textAt(resource, "address");
    const arn = textAt(objectAt(resource, "values"), "arn");
    return arn.startsWith("arn:") ? { address, arn } : { address };
  });
  return [...own, ...listAt(module, "child_modules").flatMap(listResources)];
}

/** Returns a key, readable up to its cut, and unique for each state. */
export function toInventoryKey(stateKey: string): string {
  return `${toInventoryPrefix()}${toStateName(stateKey)}`;
}
