import { createPageBuilder, type Page, type SetAsideEvent } from "@stackyard/core/engine";
import { loadListed, toWorkKey } from "./load-listed.ts";
import { fillPage, parsePosition, tryRead } from "./page.ts";
import type { PageInput } from "./port-types.ts";
import { SET_ASIDE_LIST, type SetAsideRow } from "./set-aside-row.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./table-definitions.ts";

/** Newest first. Few rows, which people look at: a filter walks over the others. */
export async function listSetAside(
  context: StoreContext,
  filter: { readonly stackId?: string; readonly code?: string },
  page: PageInput,
): Promise<Page<SetAsideEvent>> {
  return fillPage(createPageBuilder<SetAsideEvent>(page), walk(context, filter, parsePosition(page.cursor)));
}

async function* walk(
  context: StoreContext,
  { stackId, code }: { readonly stackId?: string; readonly code?: string },
  before: number | undefined,
) {
  for await (const { entry, read } of loadSetAside(context, { before, descending: true })) {
    const row = tryRead(read);
    const { sentAgain, entry: item } = row.item ?? {};
    if (sentAgain !== undefined) continue;
    if (item !== undefined && stackId !== undefined && item.event.stackId !== stackId) continue;
    if (item !== undefined && code !== undefined && item.code !== code) continue;
    const cursor = String(entry[WORK_INDEXES.list.at]?.N);
    yield { id: item?.id ?? toWorkKey(entry).pk, cursor, item, read: () => row.read().entry };
  }
}

interface Range {
  readonly before?: number | undefined;
  readonly descending: boolean;
}

/** All that are not sent again, in order of their coming. Rows that cannot be read are left out. */
export async function* readSetAside(context: StoreContext, range: Range): AsyncGenerator<SetAsideRow, void, undefined> {
  for await (const { read } of loadSetAside(context, range)) {
    const { item } = tryRead(read);
    if (item !== undefined && item.sentAgain === undefined) yield item;
  }
}

function loadSetAside(context: StoreContext, { before = Number.MAX_SAFE_INTEGER, descending }: Range) {
  const { name, key, at } = WORK_INDEXES.list;
  const condition = { expression: `${key} = :key AND ${at} < :at`, values: { ":key": SET_ASIDE_LIST, ":at": before } };
  const entries = context.work.query({ index: name, condition, descending });
  return loadListed<SetAsideRow>(context, entries);
}
