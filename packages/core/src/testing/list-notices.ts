import { listPages } from "../list-pages.ts";
import type { Records } from "../ports/records.ts";
import { isNotice, NOTICES, type Notice } from "../services/notices.ts";

/** Returns all notices of a yard, oldest first. */
export async function listNotices(
  records: Pick<Records, "list">,
  now: number = Date.now(),
): Promise<readonly Notice[]> {
  const notices: Notice[] = [];
  for await (const { items } of listPages((start) => records.list(NOTICES, { limit: 100, now, ...start }))) {
    notices.push(...items.map(({ value }) => value).filter(isNotice));
  }
  return notices;
}
