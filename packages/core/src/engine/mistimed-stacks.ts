import { isMistimed } from "../aggregate/correct-clock.ts";
import { walkParkedStacks } from "../inspect/list-parked.ts";
import { listPages } from "../list-pages.ts";
import type { Store } from "../ports/store.ts";

const PAGE = 256;

/**
 * Walks the ids of stacks, and of stacks that events wait for, with instants that only a clock that was ahead can have
 * noted. Reads all stacks: for the moment at which a clock was set back.
 */
export async function* walkMistimed(
  store: Pick<Store, "load" | "queries">,
  now: number,
): AsyncGenerator<readonly string[], void, undefined> {
  for await (const { items } of listPages((start) => store.queries.listStacks({}, { limit: PAGE, ...start }))) {
    yield items.flatMap(({ stack }) => (isMistimed({ stack, parked: [] }, now) ? [stack.id] : []));
  }
  for await (const loaded of walkParkedStacks(store)) {
    yield loaded.flatMap((each) => (isMistimed(each, now) ? [each.stackId] : []));
  }
}
