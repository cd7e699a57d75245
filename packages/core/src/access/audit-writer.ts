import { isStackyardError, StackyardError, toErrorText } from "../errors/stackyard-error.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Records } from "../ports/records.ts";
import { type AuditEntry, toBoundedEntry, toPendingKey } from "./audit-entry.ts";

/** The caller's part of an entry; the writer adds id and time. */
export type NewAuditEntry = Omit<AuditEntry, "id" | "at">;

/** The record of an action, without its outcome. */
export type AuditedAction = Omit<NewAuditEntry, "outcome" | "code" | "of" | "count">;

/** Dependencies of the writer. */
export interface AuditWriterDeps {
  readonly records: Pick<Records, "put">;
  readonly clock: Pick<Clock, "now">;
  /** ULIDs, unique over all processes of the yard. */
  readonly ids: Ids;
  readonly logger: Logger;
}

/** Writes entries of the audit log. Those of the engine are part of its commits and do not come here. */
export interface AuditWriter {
  /**
   * Writes one entry before the caller responds, and returns it. Throws `STORE_UNAVAILABLE` when it cannot be stored:
   * the caller then stops and responds with 503.
   */
  write(entry: NewAuditEntry): Promise<AuditEntry>;
  /**
   * Writes `begun`, runs the action, then writes `done` or `failed` with the code of the error. Throws
   * `STORE_UNAVAILABLE` before the action when `begun` cannot be stored. When only the end cannot be stored, logs this
   * and keeps the result of the action: its beginning is recorded.
   */
  run<Result>(action: AuditedAction, call: () => Promise<Result>): Promise<Result>;
}

/** Creates a writer over the records of a store. */
export function createAuditWriter({ records, clock, ids, logger }: AuditWriterDeps): AuditWriter {
  async function write(input: NewAuditEntry): Promise<AuditEntry> {
    const now = clock.now();
    const via = input.who.channel ?? input.via;
    const entry = toBoundedEntry({ id: ids.next(), at: now, ...input, via });
    try {
      const { kind } = await records.put({ key: toPendingKey(entry.id), value: entry, expected: "absent", now });
      // A repeated call finds its own earlier write: no other entry has the id.
      if (kind === "conflict") logger.debug("An entry of the audit log was written before.", { id: entry.id });
      return entry;
    } catch (cause) {
      const message = "The audit log cannot be written, so nothing was done. Try again.";
      throw new StackyardError("STORE_UNAVAILABLE", message, { cause });
    }
  }

  async function end(action: AuditedAction, of: string, outcome: Pick<NewAuditEntry, "outcome" | "code">) {
    try {
      await write({ ...action, ...outcome, of });
    } catch (error) {
      logger.error("The end of an action is missing in the audit log.", { of, ...outcome, reason: toErrorText(error) });
    }
  }

  return {
    write,
    async run(action, call) {
      const begun = await write({ ...action, outcome: "begun" });
      try {
        const result = await call();
        await end(action, begun.id, { outcome: "done" });
        return result;
      } catch (error) {
        const code = isStackyardError(error) ? error.code : "INTERNAL";
        await end(action, begun.id, { outcome: "failed", code });
        throw error;
      }
    },
  };
}
