import type { AuditLine } from "@stackyard/sdk";
import { JOB_MACHINE } from "../api/status.ts";

/** A row of the audit log: one act, or several that are the same one after the other. */
export interface AuditRow {
  /** The newest line. */
  readonly line: AuditLine;
  readonly times: number;
}

/**
 * Returns the acts of lines, newest first. What was begun and is done is one act, and so are the call that starts a job and
 * the event by which it begins. Acts of one day that differ in nothing but their instant are one row.
 */
export function toAuditRows(lines: readonly AuditLine[], dayOf: (at: string) => string): readonly AuditRow[] {
  const ended = new Set(lines.flatMap(({ of }) => of ?? []));
  const jobs = new Set(lines.flatMap(({ action, on }) => (action === "startJob" ? (on["jobId"] ?? []) : [])));
  const isRepeated = ({ id, action, on }: AuditLine) =>
    ended.has(id) || (action === "START" && on["machine"] === JOB_MACHINE && jobs.has(on["stackId"] ?? ""));
  const rows: AuditRow[] = [];
  for (const line of lines.filter((each) => !isRepeated(each)).toSorted(byInstant)) {
    const before = rows.at(-1);
    const times = line.count ?? 1;
    const isSame = before !== undefined && toContent(before.line) === toContent(line);
    if (isSame && dayOf(before.line.at) === dayOf(line.at)) {
      rows[rows.length - 1] = { line: before.line, times: before.times + times };
    } else {
      rows.push({ line, times });
    }
  }
  return rows;
}

function byInstant(a: AuditLine, b: AuditLine): number {
  return Date.parse(b.at) - Date.parse(a.at) || b.seq - a.seq;
}

const WORDS: Readonly<Record<number, string>> = { 2: "twice" };

/** Returns how often: nothing for once. */
export function formatTimes(times: number): string {
  return times === 1 ? "" : (WORDS[times] ?? `${times.toLocaleString("en")} times`);
}

function toContent({ action, outcome, who, via, on, code, reason }: AuditLine): string {
  const { eventId: _, attemptId: __, ...subject } = on;
  const { requestId: ___, ...sender } = who;
  return JSON.stringify([action, outcome, sender, via, subject, code, reason]);
}
