import type { Locator } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";

/** A row of a locator's list. */
export type MachineListing = Awaited<ReturnType<Locator["list"]>>[number];

/** What became of a machine's file. */
export interface MachineChange {
  readonly kind: "added" | "changed" | "removed";
  readonly listing: MachineListing;
}

const EVERY_MS = 1_000;

/** Tells each change of the machines until the signal is aborted. What could not be read is looked at again. */
export async function watchMachines(
  locator: Locator,
  first: readonly MachineListing[],
  { signal, onChange }: { readonly signal: AbortSignal; readonly onChange: (change: MachineChange) => void },
): Promise<void> {
  let known = first;
  while (!signal.aborted) {
    await systemClock.sleep(EVERY_MS, signal);
    if (signal.aborted) return;
    const now = await locator.list().catch(() => known);
    for (const change of toChanges(known, now)) onChange(change);
    known = now;
  }
}

/** The difference of two lists. */
export function toChanges(
  before: readonly MachineListing[],
  after: readonly MachineListing[],
): readonly MachineChange[] {
  const old = new Map(before.map((listing) => [listing.name, listing]));
  const names = new Set(after.map(({ name }) => name));
  const present = after.flatMap((listing): readonly MachineChange[] => {
    const last = old.get(listing.name);
    if (last === undefined) return [{ kind: "added", listing }];
    return toStamp(last) === toStamp(listing) ? [] : [{ kind: "changed", listing }];
  });
  const gone = before.filter(({ name }) => !names.has(name));
  return [...present, ...gone.map((listing) => ({ kind: "removed", listing }) as const)];
}

function toStamp({ located, origin }: MachineListing): string {
  if (located.kind === "found") return `${origin} ${located.revision.hash}`;
  return `${origin} ${JSON.stringify(located)}`;
}
