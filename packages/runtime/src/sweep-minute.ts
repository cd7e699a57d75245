import type { SweepReport } from "@stackyard/core/engine";

import type { StateManagerParts } from "./state-manager-parts.ts";

/** Does the work of a schedule each minute: sends everything ahead that is due before the end of the next minute. */
export function sweepMinute(
  { yard, clock }: Pick<StateManagerParts, "yard" | "clock">,
  stopAt: number,
  options: { readonly measures?: boolean } = {},
): Promise<SweepReport> {
  const until = Math.floor(clock.now() / MINUTE_MS) * MINUTE_MS + 2 * MINUTE_MS;
  return yard.sweep({ until, stopAt, ...options });
}

export const MINUTE_MS = 60_000;
