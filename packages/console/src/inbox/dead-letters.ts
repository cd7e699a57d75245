import { defined, listPages } from "@stackyard/core";
import type { Cause, DeadLetter, ListedParkedEvent, Page, PageOptions } from "@stackyard/sdk";
import { yard } from "../api/client.ts";

/** Returns the filter for the server; without event or code it also matches the events of other causes. */
export function toLetterFilter({ event, code }: Cause): Partial<Pick<DeadLetter, "event" | "code">> {
  return defined({ event, code });
}

/** Returns true if an event of the filter belongs to the cause. */
export function isOfCause(
  letter: Pick<DeadLetter | ListedParkedEvent, "event" | "code">,
  { event, code }: Cause,
): boolean {
  return letter.event === event && letter.code === code;
}

const PAGE = 1_000;
// As many as a bulk takes.
const MAX_IDS = 10_000;

/** Returns the ids of the dead letters or parked events of a cause, at most 10,000. */
export async function listLetters(cause: Cause): Promise<readonly string[]> {
  const ids: string[] = [];
  const filter = toLetterFilter(cause);
  const list = (page: PageOptions): Promise<Page<DeadLetter | ListedParkedEvent>> =>
    cause.kind === "parked" ? yard.events.listParked(filter, page) : yard.events.listDeadLetters(filter, page);
  for await (const { items } of listPages((start) => list({ limit: PAGE, ...start }))) {
    ids.push(...items.flatMap((each) => (isOfCause(each, cause) ? [each.id] : [])));
    if (ids.length >= MAX_IDS) break;
  }
  return ids.slice(0, MAX_IDS);
}
