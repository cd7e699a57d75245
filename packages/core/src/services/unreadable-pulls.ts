import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { changeRecord } from "../ports/change-record.ts";
import { readRecords } from "../ports/read-records.ts";
import type { Page, PageInput, StoredRecord } from "../ports/records.ts";
import type { PreviewLinksDeps } from "./preview-links.ts";

const UnreadablePull = Type.Object({
  stackId: Type.String(),
  /** Epoch milliseconds. */
  since: Type.Number(),
  reason: Type.String({ maxLength: 1_024 }),
});

/** A preview whose pull request its code host does not show any more. The preview is kept. */
export type UnreadablePull = Static<typeof UnreadablePull>;

/** After the last time that it could not be read. Code hosts are read every five minutes. */
const KEEP_MS = 3_600_000;

const toKey = (stackId: string): string => `previews/unreadable/${stackId}`;

/** Remembers for an hour that the pull request of a stack cannot be read. Call it each time that it is so. */
export async function noteUnreadablePull(
  deps: PreviewLinksDeps,
  { stackId, reason }: Pick<UnreadablePull, "stackId" | "reason">,
): Promise<void> {
  await changeRecord({
    ...deps,
    key: toKey(stackId),
    decide(found, now) {
      const since = Check(UnreadablePull, found?.value) ? found.value.since : now;
      const value: UnreadablePull = { stackId, since, reason: reason.slice(0, 1_024) };
      const isKept = found !== undefined && (found.expiresAt ?? 0) - now > KEEP_MS / 2;
      return isKept ? {} : { write: { value, expiresAt: now + KEEP_MS } };
    },
  });
}

/** Forgets it: the pull request can be read again, or its preview has ended. */
export async function forgetUnreadablePull(deps: PreviewLinksDeps, stackId: string): Promise<void> {
  await changeRecord({
    ...deps,
    key: toKey(stackId),
    decide: (found) => (found === undefined ? {} : { write: "remove" }),
  });
}

/** Lists previews whose pull requests cannot be read, by stack id. */
export async function listUnreadablePulls(
  { records, clock }: PreviewLinksDeps,
  page: PageInput,
): Promise<Page<UnreadablePull>> {
  return readRecords(await records.list(toKey(""), { ...page, now: clock.now() }), toPull);
}

/** Returns why the pull request of a stack cannot be read; undefined if it can. */
export async function findUnreadablePull(
  { records, clock }: PreviewLinksDeps,
  stackId: string,
): Promise<UnreadablePull | undefined> {
  return toPull(await records.get(toKey(stackId), clock.now()));
}

function toPull(found: StoredRecord | undefined): UnreadablePull | undefined {
  const value = found?.value;
  return Check(UnreadablePull, value) ? value : undefined;
}
