import type { Database } from "./database.ts";
import { parseReceipts } from "./receipts.ts";

const GIVE_BACK = {
  name: "give_back_rows",
  isLong: true as const,
  text: "select stackyard.give_back_rows($1, $2, $3, $4, $5)",
};

/** Hands rows out again from an instant on; unknown receipts are passed over. */
export async function giveBack(database: Database, receipts: readonly string[], visibleAt: number): Promise<void> {
  const { events, tasks, others } = parseReceipts(receipts);
  if (events.length + tasks.length + others.length === 0) return;
  const seqs = events.map(({ seq }) => seq);
  const stacks = events.map(({ stack }) => stack);
  await database.rows(GIVE_BACK, seqs, stacks, tasks, others, visibleAt);
}
