import type { Locator, StackyardError, Store } from "@stackyard/core";
import { isInternalMachine } from "@stackyard/core/access";
import type { Caller } from "./caller.ts";
import { toUnknownMachine } from "./guard.ts";

/** Where a yard's present and former machines are listed. */
interface KnownMachines {
  readonly locator: Locator;
  readonly store: { readonly revisions: Pick<Store["revisions"], "list"> };
}

/**
 * Returns `MACHINE_UNKNOWN` for a machine of which the yard has never had a document, with the most similar name that the
 * caller may read; undefined for others, also while documents cannot be read.
 */
export async function findNeverKnown(
  { locator, store }: KnownMachines,
  { rights }: Pick<Caller, "rights">,
  name: string,
): Promise<StackyardError | undefined> {
  if (isInternalMachine(name)) return undefined;
  try {
    if ((await locator.find(name)).kind !== "unknown") return undefined;
    if ((await store.revisions.list(name, { limit: 1 })).items.length > 0) return undefined;
    // A document that has just come is known at once.
    if ((await locator.find(name, { fresh: true })).kind !== "unknown") return undefined;
    return await toUnknownMachine(locator, rights, name);
  } catch {
    // What is not known now may be correct: the engine parks the event if the machine is not there.
    return undefined;
  }
}
