import { listPages, type PageStart, type ServiceDeps, type Stack } from "@stackyard/core";
import { toTagValue } from "@stackyard/core/services";

const PAGE = 500;
/** Values of tags are cut there. */
const MOST_TAG_VALUE = 256;

/**
 * Returns the stack with these tags. Its id may have other characters for `-` in the tag, and more at its end. Without
 * a machine, the id is sufficient.
 */
export async function findTaggedStack(
  deps: Pick<ServiceDeps, "findStack" | "queries">,
  { stackId, machine = "" }: { readonly stackId: string; readonly machine?: string },
): Promise<Stack | undefined> {
  const isSame = (stack: Stack): boolean =>
    toTagValue(stack.id) === stackId && (machine === "" || toTagValue(stack.machine) === machine);
  const named = await deps.findStack(stackId);
  if (named !== undefined && isSame(named)) return named;
  const idPrefix = stackId.split("-")[0] ?? "";
  if (idPrefix === stackId && stackId.length < MOST_TAG_VALUE) return undefined;
  const load = (start: PageStart) => deps.queries.listStacks({ idPrefix }, { limit: PAGE, ...start });
  for await (const { items } of listPages(load)) {
    const found = items.find(({ stack }) => isSame(stack));
    if (found !== undefined) return found.stack;
  }
  return undefined;
}
