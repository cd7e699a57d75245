import { listPages, type PageStart, type ServiceDeps, toStatePrefix } from "@stackyard/core";
import { listUnsavedRuns, requireRecords, type UnsavedRun } from "@stackyard/core/services";
import { TerraformInventory, toInventoryPrefix } from "@stackyard/executor-terraform/definition";
import { Check } from "typebox/value";

const PAGE = 50;

interface Owner {
  readonly machine: string;
  readonly stackId: string;
}

/**
 * Yields what the Terraform states of a stack, or of the yard, contained after their last apply or destroy. Throws
 * `STORE_CORRUPT` for one that cannot be read: what it contains must not count as removed.
 */
export async function* listInventories(
  { records, clock }: Pick<ServiceDeps, "records" | "clock">,
  owner?: Owner,
): AsyncGenerator<TerraformInventory> {
  const load = (start: PageStart) =>
    records.list(toInventoryPrefix(owner && toStatePrefix(owner)), { limit: PAGE, now: clock.now(), ...start });
  for await (const page of listPages(load)) {
    const found = requireRecords(page, ({ value }) => (Check(TerraformInventory, value) ? value : undefined));
    yield* found.filter((each) => owner === undefined || isOf(each, owner));
  }
}

/** A resource that may exist and is in no saved state. */
interface UnsavedResource {
  readonly run: UnsavedRun;
  /** Its ARN or address, or the run when nothing else is known; unique in its state. */
  readonly name: string;
  /** By what it can be ignored. */
  readonly keys: readonly string[];
}

/**
 * Yields what runs of Terraform have left, or may have, whose states are not saved: of a stack, or of the yard. Throws
 * `STORE_CORRUPT`.
 */
export async function* listUnsaved(
  deps: Pick<ServiceDeps, "records" | "clock">,
  owner?: Owner,
): AsyncGenerator<UnsavedResource> {
  for await (const run of listUnsavedRuns(deps, owner && toStatePrefix(owner))) yield* listRemains(run);
}

function listRemains(run: UnsavedRun): readonly UnsavedResource[] {
  const { host, attempt, left } = run;
  const named = (left?.resources ?? []).map((resource): UnsavedResource => {
    const { address, arn, id } = resource;
    return { run, name: arn ?? (id === undefined ? address : `${address} (${id})`), keys: Object.values(resource) };
  });
  if (left !== undefined && left.count > 0 && left.count === named.length) return named;
  const what = left === undefined ? "a run that has not reported its end" : "more that is not saved";
  return [...named, { run, name: `${what}: ${attempt} on ${host}`, keys: [] }];
}

function isOf({ stack, machine }: TerraformInventory, owner: Owner): boolean {
  return stack === owner.stackId && machine === owner.machine;
}
