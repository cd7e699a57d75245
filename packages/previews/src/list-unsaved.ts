import { type ServiceDeps, toStatePrefix } from "@stackyard/core";
import { listUnsavedRuns, type UnsavedRun } from "@stackyard/core/services";

interface Owner {
  readonly machine: string;
  readonly stackId: string;
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
