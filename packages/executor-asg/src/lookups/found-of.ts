import type { LookUp } from "./look-up.ts";

/** What a look-up found, as a list of one; empty where it was refused, or nothing was looked up. */
export function foundOf<Found>(look: LookUp<Found> | undefined): readonly Found[] {
  return look?.kind === "found" ? [look.value] : [];
}
