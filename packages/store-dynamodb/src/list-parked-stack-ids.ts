import type { Item } from "./attributes.ts";
import { loadListed } from "./load-listed.ts";
import { tryRead } from "./page.ts";
import type { ShadowRow } from "./shadow-row.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./table-definitions.ts";

/**
 * Ids of stacks with parked events, in order, whether or not the stacks exist. Like every list of stacks, each page reads
 * the whole table of stacks; stacks that do not exist are found by the sweep index.
 */
export async function listParkedStackIds(
  context: StoreContext,
  { after = "", limit }: { readonly after?: string; readonly limit: number },
): Promise<readonly string[]> {
  const [present, absent] = await Promise.all([findPresent(context), findAbsent(context)]);
  const ids = [...new Set([...present, ...absent])].filter((id) => id > after);
  return ids.sort().slice(0, limit);
}

async function findPresent({ stacks }: StoreContext): Promise<readonly string[]> {
  const ids: string[] = [];
  let from: Item | undefined;
  do {
    const part = await stacks.scan({ filter: HAS_PARKED, attributes: ["id"], from });
    ids.push(...part.items.flatMap(({ id }) => id?.S ?? []));
    from = part.next;
  } while (from !== undefined);
  return ids;
}

const HAS_PARKED = { expression: "attribute_exists(parked)" };

async function findAbsent(context: StoreContext): Promise<readonly string[]> {
  const { name, key } = WORK_INDEXES.sweep;
  const condition = { expression: `${key} = :key`, values: { ":key": "shadow" } };
  const entries = context.work.query({ index: name, condition });
  const ids: string[] = [];
  for await (const { read } of loadListed<ShadowRow>(context, entries)) {
    const { item } = tryRead(read);
    if (item !== undefined && item.parked.length > 0) ids.push(item.stackId);
  }
  return ids;
}
