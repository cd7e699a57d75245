import { Type } from "typebox";
import { defineRecordKind, type RecordsDeps } from "../../ports/record-kind.ts";

/** Hosts store deliveries for three days, and commands are tried again for one. */
const KEEP_MS = 15 * 86_400_000;

/** The time of the last request of a person for a preview, by its stack. */
export const previewWishes = defineRecordKind({
  prefix: "previews/wishes/",
  value: Type.Object({ at: Type.Number() }),
  holds: "when people last asked for something of a preview",
  kept: "15 days",
  damaged: "missing",
});

/**
 * Notes a request of a person for a preview, such as to wake it. Returns false when something else was asked
 * for later: what is read late is not carried out. May be repeated. `at`: when it was expressed, in epoch milliseconds.
 */
export async function noteWish(deps: RecordsDeps, stackId: string, at: number): Promise<boolean> {
  const { isNewest } = await previewWishes.change(deps, stackId, (found, now) => {
    const before = found?.value.at ?? 0;
    if (at <= before) return { isNewest: at === before };
    return { isNewest: true, write: { value: { at }, expiresAt: now + KEEP_MS } };
  });
  return isNewest;
}
