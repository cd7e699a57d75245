import { defined, listPages } from "@stackyard/core";
import type { Cause, DeadLetter } from "@stackyard/sdk";
import { yard } from "../api/client.ts";

/** Returns the filter for the server; without event or code it also matches the dead letters of other causes. */
export function toLetterFilter({ event, code }: Cause): Partial<Pick<DeadLetter, "event" | "code">> {
  return defined({ event, code });
}

/** Returns true if a dead letter of the filter belongs to the cause. */
export function isOfCause(letter: DeadLetter, { event, code }: Cause): boolean {
  return letter.event === event && letter.code === code;
}

const PAGE = 1_000;
// As many as a bulk takes.
const MAX_IDS = 10_000;

/** Returns the ids of the dead letters of a cause, at most 10,000. */
export async function listLetters(cause: Cause): Promise<readonly string[]> {
  const ids: string[] = [];
  const filter = toLetterFilter(cause);
  for await (const { items } of listPages((start) => yard.events.listDeadLetters(filter, { limit: PAGE, ...start }))) {
    ids.push(...items.filter((letter) => isOfCause(letter, cause)).map(({ id }) => id));
    if (ids.length >= MAX_IDS) break;
  }
  return ids.slice(0, MAX_IDS);
}
