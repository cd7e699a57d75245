import {
  createPageBuilder,
  matchesAttempt,
  type OpenAttempt,
  type OpenAttemptFilter,
  type Page,
  type PageInput,
  type PageRow,
  parsePosition,
} from "@stackyard/core/engine";
import type { AttemptRow } from "./aggregate.ts";
import { viewAttempt } from "./attempts.ts";
import { keepPage } from "./queries.ts";
import { loadStack } from "./stack-home.ts";
import { parseStackItem, readShadowId } from "./stack-item.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./tables.ts";
import { tryRead } from "./work-rows.ts";

/**
 * Lists open attempts of the yard in order of dispatch. They are in the items of their stacks: each page reads all
 * stacks that have some, and keeps no more than the page.
 */
export async function listOpenAttempts(
  context: StoreContext,
  filter: OpenAttemptFilter,
  page: PageInput,
): Promise<Page<OpenAttempt>> {
  const after = parsePosition(page.cursor) ?? 0;
  let kept: readonly ListedAttempt[] = [];
  for await (const rows of readOpen(context)) {
    const found = rows
      .filter((row) => row.sequence > after && matchesAttempt(filter, row, () => row.message.stack.machine))
      .map(toListed);
    // A stack that moves meanwhile may be met twice.
    const others = found.filter(({ id }) => kept.every((row) => row.id !== id));
    kept = keepPage([...kept, ...others].sort(byCursor), page);
  }
  const builder = createPageBuilder<OpenAttempt>(page);
  for (const row of kept) {
    const view = await viewAttempt(context, row.attempt);
    if (!builder.add({ ...row, read: () => ({ ...view, machine: row.attempt.message.stack.machine }) })) break;
  }
  return builder.end();
}

interface ListedAttempt extends PageRow<undefined> {
  readonly attempt: AttemptRow;
}

function toListed(attempt: AttemptRow): ListedAttempt {
  const { message: _, ...shown } = attempt;
  const bytes = Buffer.byteLength(JSON.stringify(shown));
  return { id: attempt.attemptId, cursor: String(attempt.sequence), bytes, read: () => undefined, attempt };
}

function byCursor(a: ListedAttempt, b: ListedAttempt): number {
  return a.attempt.sequence - b.attempt.sequence;
}

/**
 * Reads the open attempts of present stacks, a part of the table at a time, then of absent ones. Items that cannot be
 * read are left out.
 */
async function* readOpen(context: StoreContext): AsyncGenerator<readonly AttemptRow[], void, undefined> {
  const names = { "#open": "open" };
  for await (const items of context.stacks.scanAll({ filter: { expression: "attribute_exists(#open)", names } })) {
    const rows: AttemptRow[] = [];
    for (const item of items) {
      const parsed = tryRead(() => parseStackItem(item)).item;
      if (parsed?.spill === undefined) rows.push(...(parsed?.aggregate.attempts ?? []));
      else rows.push(...(await loadStack(context, item["id"]?.S ?? "")).aggregate.attempts);
    }
    yield rows;
  }
  for await (const item of context.work.query({ index: WORK_INDEXES.sweep, part: "shadow" })) {
    if (item["open"] !== undefined) yield (await loadStack(context, readShadowId(item))).aggregate.attempts;
  }
}
