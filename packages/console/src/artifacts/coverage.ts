import type { ArtifactCoverage } from "@stackyard/sdk";
import type { Status } from "../design/mark.tsx";

/** One version of an artifact. */
export type Row = ArtifactCoverage;

/** A version in one account and region. */
export type Cell = Row["cells"][number];

/** The look of a cell's state. */
export interface CellLook {
  readonly status: Status;
  readonly word: string;
}

const LOOKS: Readonly<Record<string, CellLook>> = {
  expected: { status: "waiting", word: "Expected" },
  announced: { status: "running", word: "Announced" },
  stored: { status: "succeeded", word: "Stored" },
  present: { status: "succeeded", word: "Present" },
  failed: { status: "failed", word: "Failed" },
  rejected: { status: "rejected", word: "Rejected" },
  overdue: { status: "overdue", word: "Overdue" },
};

/** States in which the files of a version are where they should be. */
const ARRIVED: ReadonlySet<string> = new Set(["stored", "present"]);

/** States that do not change by themselves, worst first. */
const STUCK = ["failed", "rejected", "overdue"] as const;

/** Returns how a state is shown; a neutral look for one of a newer server. */
export function lookOf(status: string): CellLook {
  return LOOKS[status] ?? { status: "waiting", word: status };
}

/** Returns true where the version should be and is not yet. */
export function isGap({ status }: Pick<Cell, "status">): boolean {
  return !ARRIVED.has(status);
}

/** Returns true for a version that is somewhere missing, or that is not published. A retired one is expected nowhere. */
export function hasGap({ retired, cells, publishedAt }: Pick<Row, "retired" | "cells" | "publishedAt">): boolean {
  return publishedAt === null || (!retired && cells.some(isGap));
}

/** Returns the worst state that needs a person, and in how many places it is; undefined without one. */
export function findWorst({ cells }: Pick<Row, "cells">): (CellLook & { readonly count: number }) | undefined {
  for (const state of STUCK) {
    const count = cells.filter(({ status }) => status === state).length;
    if (count > 0) return { ...lookOf(state), word: lookOf(state).word.toLowerCase(), count };
  }
  return undefined;
}

/** An account with the regions in which versions are expected. */
export interface Place {
  readonly account: string;
  readonly regions: readonly string[];
}

/** Returns the places of all rows, in order. */
export function listPlaces(rows: readonly Pick<Row, "cells">[]): readonly Place[] {
  const places = new Map<string, Set<string>>();
  for (const { account, region } of rows.flatMap(({ cells }) => cells)) {
    places.set(account, (places.get(account) ?? new Set()).add(region));
  }
  return [...places]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([account, regions]) => ({ account, regions: [...regions].sort() }));
}
