import type { Page, SetAsideEvent } from "@stackyard/core/engine";
import { takeFirst } from "./find-due-keys.ts";
import { loadListed } from "./load-listed.ts";
import { parsePosition, toPage } from "./page.ts";
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
  const rows = await takeFirst(walk(context, filter, parsePosition(page.cursor)), page.limit + 1);
  return toPage(
    rows,
    page.limit,
    ({ sequence }) => String(sequence),
    ({ entry }) => entry,
  );
}

async function* walk(
  context: StoreContext,
  { stackId, code }: { readonly stackId?: string; readonly code?: string },
  before: number | undefined,
): AsyncGenerator<SetAsideRow, void, undefined> {
  for await (const row of readSetAside(context, { before, descending: true })) {
    if (stackId !== undefined && row.entry.event.stackId !== stackId) continue;
    if (code === undefined || row.entry.code === code) yield row;
  }
}

/** All that are not sent again, in order of their coming. */
export async function* readSetAside(
  context: StoreContext,
  {
    before = Number.MAX_SAFE_INTEGER,
    descending,
  }: { readonly before?: number | undefined; readonly descending: boolean },
): AsyncGenerator<SetAsideRow, void, undefined> {
  const { name, key, at } = WORK_INDEXES.list;
  const condition = { expression: `${key} = :key AND ${at} < :at`, values: { ":key": SET_ASIDE_LIST, ":at": before } };
  const entries = context.work.query({ index: name, condition, descending });
  for await (const row of loadListed<SetAsideRow>(context, entries)) if (row.sentAgain === undefined) yield row;
}
