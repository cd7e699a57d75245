import { isOverdue } from "./decide/timers.ts";
import { shortHashOf } from "./short-hash.ts";
import type { Deed, Lack, Stack } from "./stack.ts";
import { findStall } from "./stack-health.ts";

/**
 * What has become of the work of the event that has set a value. `open`: it continues. `noted`: the event has set values only.
 * `unknown`: no event is known that has set the present value.
 */
export type DeedVerdict =
  | { readonly kind: "unknown" }
  | { readonly kind: "failed"; readonly deed: Deed; readonly lack?: MissingTask }
  | { readonly kind: "open" | "noted" | "done"; readonly deed: Deed };

/** A task that has not done its work. */
export interface MissingTask extends Lack {
  readonly task: string;
}

/** Evaluates the deed of a metadata key: the one answer to "has the work with this value been done?". Pure. */
export function evaluateDeed(stack: Stack, key: string): DeedVerdict {
  const digest = toValueDigest(stack, key);
  const found = Object.entries(stack.deeds ?? {}).find(
    ([, { keys }]) => Object.hasOwn(keys, key) && keys[key] === digest,
  );
  return found === undefined ? { kind: "unknown" } : judge(stack, found[1], found[0]);
}

/** Evaluates the deed of the present entry; undefined when it is not known. Pure. */
export function evaluatePresentDeed(stack: Stack): DeedVerdict | undefined {
  const { deed: id, deeds = {} } = stack;
  const deed = id !== undefined && Object.hasOwn(deeds, id) ? deeds[id] : undefined;
  return id === undefined || deed === undefined ? undefined : judge(stack, deed, id);
}

/** A deed as shown: by the id of its event, with its verdict. */
export interface ListedDeed {
  readonly eventId: string;
  readonly verdict: Exclude<DeedVerdict["kind"], "unknown">;
  readonly deed: Deed;
}

/** Lists the deeds that a stack keeps, oldest first; the last is that of its present entry. Pure. */
export function listDeeds(stack: Stack): readonly ListedDeed[] {
  // A clock may have been set back since.
  const orderOf = (id: string, { at }: Deed) => (id === stack.deed ? Number.POSITIVE_INFINITY : at);
  const sorted = Object.entries(stack.deeds ?? {}).toSorted((a, b) => orderOf(...a) - orderOf(...b));
  return sorted.flatMap(([id, deed]) => {
    const { kind } = judge(stack, deed, id);
    return kind === "unknown" ? [] : [{ eventId: id.replace(/^(?:internal|external):/, ""), verdict: kind, deed }];
  });
}

function judge(stack: Stack, deed: Deed, id: string): DeedVerdict {
  const isPresent = id === stack.deed;
  if (isPresent && (stack.stalled !== undefined || isOverdue(stack))) return { kind: "failed", deed };
  const isOpen = deed.restedAt === undefined || (isPresent && hasRuns(stack));
  // A revision that is lost ends what it has begun, not what was done before.
  if (isOpen) return { kind: isPresent && findStall(stack) !== undefined ? "failed" : "open", deed };
  const [lack] = Object.entries(deed.lacks ?? {});
  if (lack !== undefined) return { kind: "failed", deed, lack: { task: lack[0], ...lack[1] } };
  return { kind: deed.onlyValues ? "noted" : "done", deed };
}

/** Runs of entries that were left may still change what the tasks of this entry have made. */
function hasRuns({ runs, entry }: Stack): boolean {
  return runs.some((run) => run.entry < entry);
}

const DIGEST_CHARACTERS = 16;

/** Returns the digest of a value of the metadata; of a sensitive one the number of its version, which says nothing about it. */
export function toValueDigest({ metadata, secretVersions = {} }: Stack, key: string): string {
  if (Object.hasOwn(secretVersions, key)) return `#${secretVersions[key]}`;
  const value = Object.hasOwn(metadata, key) ? metadata[key] : null;
  return shortHashOf(JSON.stringify(value ?? null)).slice(0, DIGEST_CHARACTERS);
}
