import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import type { Cell } from "./cell.ts";
import { isDone } from "./to-coverage-cell.ts";

/** Who has a version, and who should. */
export interface CoverageFacts {
  readonly cells: readonly Pick<Cell, "account" | "region" | "files">[];
  readonly expected: readonly ConsumerPlace[];
}

/** `covered`: it stands everywhere where it should, and should stand somewhere. */
export type CoverageVerdict =
  | { readonly kind: "covered"; readonly consumers: number }
  | { readonly kind: "open"; readonly missing: readonly ConsumerPlace[] };

/** Does a version stand everywhere? A consumer without a cell has nothing. */
export function decideCovered({ cells, expected }: CoverageFacts): CoverageVerdict {
  const done = new Set(cells.filter(isDone).map(toPlaceKey));
  const missing = expected.filter((place) => !done.has(toPlaceKey(place)));
  return expected.length > 0 && missing.length === 0
    ? { kind: "covered", consumers: expected.length }
    : { kind: "open", missing };
}

/** Tells places apart. */
export function toPlaceKey({ account, region }: ConsumerPlace): string {
  return `${account}/${region}`;
}
