import { chunk, isMap, type Store } from "@stackyard/core";
import type { PlannedStack } from "@stackyard/core/api";
import { toPrinted } from "@stackyard/core/engine";
import type { PlanEntry } from "@stackyard/promotion/deploy";

type Changes = NonNullable<PlannedStack["changes"]>;

/** Lines of a stack's history in which its own plan is looked for, newest first. */
const LINES = 100;
const LOAD_AT_ONCE = 10;

/**
 * Returns by stack what the stack's own plan would do with its resources. It is the one whose id the entry shows, as the
 * task that made it has reported it: a later plan is not what is approved.
 */
export async function loadPlanChanges(
  { store }: { readonly store: Pick<Store, "queries"> },
  entries: readonly PlanEntry[],
): Promise<ReadonlyMap<string, Changes>> {
  const found = new Map<string, Changes>();
  const showing = entries.filter(({ show }) => listIds(show).length > 0);
  for (const part of chunk(showing, LOAD_AT_ONCE)) {
    await Promise.all(
      part.map(async ({ stack: stackId, show }) => {
        const { items } = await store.queries.listHistory({ stackId, newestFirst: true }, { limit: LINES });
        const changes = findChanges(
          items.map((line) => toPrinted.entry(line).outputs),
          listIds(show),
        );
        if (changes !== undefined) found.set(stackId, changes);
      }),
    );
  }
  return found;
}

function listIds(show: PlanEntry["show"]): readonly string[] {
  return Object.values(show).flatMap((value) => (typeof value === "string" && value !== "" ? [value] : []));
}

/** Returns the figures of the plan with one of these ids among outputs of tasks. */
export function findChanges(outputs: readonly unknown[], ids: readonly string[]): Changes | undefined {
  for (const given of outputs) {
    if (!isMap(given) || !ids.some((id) => id === given["plan"])) continue;
    const { adds, changes, destroys } = given;
    if (isCount(adds) && isCount(changes) && isCount(destroys)) return { adds, changes, destroys };
  }
  return undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
