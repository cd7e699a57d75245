import type { Stack } from "@stackyard/core";
import { toPrinted } from "@stackyard/core/engine";
import type { FollowedLines, Notice } from "@stackyard/core/services";
import type { Subject } from "./decide-notifications.ts";

/** A line of the history with its position. */
export type HistoryLine = FollowedLines["lines"][number];

/** The stack of a line, undefined if it does not exist any more, and the present time in epoch milliseconds. */
export interface Present {
  readonly stack: Stack | undefined;
  readonly now: number;
}

/** Returns a history line for rules. Sensitive values are `***`. A line from a clock that was ahead has happened now. */
export function toEntrySubject(stored: HistoryLine, { stack, now }: Present): Subject {
  const entry = toPrinted.entry(stored);
  const { stackId, at, position, from, to = "", reason = "" } = entry;
  const isRemoval = entry.outcome === "removed";
  const entered = (entry.outcome === "applied" || isRemoval) && to !== "" && from !== to;
  const printed = stack && toPrinted.stack(stack);
  const shown = printed ?? { id: stackId, machine: "", state: to };
  return {
    about: "entry",
    position: `${position}.${at}`,
    at: Math.min(at, now),
    stackId,
    isRemoval,
    title: `${stackId}: ${entry.event}${from === undefined || to === "" ? "" : `, ${from} → ${to}`}`,
    text: reason,
    scope: { entry: { ...entry, entered }, stack: shown, metadata: printed?.metadata ?? {} },
  };
}

/** Returns a notice for rules. */
export function toNoticeSubject(notice: Notice, now: number): Subject {
  const { id, stackId, title, text } = notice;
  const at = Math.min(notice.at, now);
  const scope = { notice: { data: {}, ...notice } };
  return { about: "notice", position: id, at, stackId, isRemoval: false, title, text, scope };
}
