import { parseLine } from "../../../access/audit-chain.ts";
import type { AuditEntry } from "../../../access/audit-entry.ts";
import { listPages } from "../../../list-pages.ts";
import { OPERATORS_EVENTS } from "../../../machine/decide/decision.ts";
import type { Records } from "../../../ports/records.ts";
import { type Invariant, keyIn } from "./invariant.ts";

/** All actions of operators are in the audit log, and nothing else. */
export const auditedOnce: Invariant = {
  name: "audited-once",
  promise: "Each operator's event that was applied has one line in the audit log, and no other line says that one was.",
  create(report) {
    const applied = new Map<string, string>();
    return {
      onCommitted({ change }) {
        for (const { stackId, eventId, event, outcome, internal } of change.history) {
          const isApplied = outcome === "applied" || outcome === "removed";
          if (isApplied && !internal && OPERATORS_EVENTS.has(event)) applied.set(keyIn(stackId, eventId), event);
        }
      },
      async onRest({ records }) {
        const lines = countDone(await readEntries(records));
        for (const [key, event] of applied) {
          const count = lines.get(key) ?? 0;
          if (count !== 1) report(`${toText(key)} (${event}) was applied, and has ${count} lines in the audit log.`);
        }
        for (const key of lines.keys()) {
          if (!applied.has(key)) report(`${toText(key)} was not applied, and the audit log says that it was.`);
        }
      },
    };
  },
};

/** Counts how often each operator's event is applied according to the log. */
function countDone(entries: readonly AuditEntry[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { action, outcome, on } of entries) {
    if (outcome !== "done" || !OPERATORS_EVENTS.has(action)) continue;
    const key = keyIn(on.stackId ?? "", on.eventId ?? "");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function toText(key: string): string {
  return key.replace("\u0000", ": ");
}

/**
 * Reads the lines of the log, and the entries that wait to be sealed. An entry that waits and has a line counts once.
 */
async function readEntries(records: Records): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  const sealed = new Set<string>();
  for await (const { items } of list(records, "audit/log/")) {
    for (const { value } of items) {
      const line = parseLine(value);
      if (line === undefined) continue;
      entries.push(line);
      sealed.add(line.id);
    }
  }
  for await (const { items } of list(records, "audit/pending/")) {
    for (const { value } of items) {
      const entry = value as AuditEntry;
      if (!sealed.has(entry.id)) entries.push(entry);
    }
  }
  return entries;
}

function list(records: Records, prefix: string) {
  return listPages((start) => records.list(prefix, { limit: 1_000, now: 0, ...start }));
}
