import type { Stack } from "@stackyard/core";
import { toPrinted } from "@stackyard/core/engine";
import type { FollowedLines, Notice } from "@stackyard/core/services";
import type { Subject } from "./decide-notifications.ts";

/** A line of the history with its position. */
export type HistoryLine = FollowedLines["lines"][number];

/** Returns a history line for rules. Without `stack` the stack does not exist any more. Sensitive values are `***`. */
export function toEntrySubject(stored: HistoryLine, stack: Stack | undefined): Subject {
  const entry = toPrinted.entry(stored);
  const { stackId, at, position, from, to = "", reason = "" } = entry;
  const entered = entry.outcome === "applied" && to !== "" && from !== to;
  const printed = stack && toPrinted.stack(stack);
  const shown = printed ?? { id: stackId, machine: "", state: to };
  return {
    about: "entry",
    position: `${position}.${at}`,
    at,
    stackId,
    title: `${stackId}: ${entry.event}${from === undefined || to === "" ? "" : `, ${from} → ${to}`}`,
    text: reason,
    scope: { entry: { ...entry, entered }, stack: shown, metadata: printed?.metadata ?? {} },
  };
}

/** Returns a notice for rules. */
export function toNoticeSubject(notice: Notice): Subject {
  const { id, at, stackId, title, text } = notice;
  return { about: "notice", position: id, at, stackId, title, text, scope: { notice: { data: {}, ...notice } } };
}

/** Returns the channel of the notification that became a notice's dead letter. */
export function findDeadChannel({ data = {} }: Notice, queue: string): string | undefined {
  const { queue: dead, key } = data;
  return dead === queue && typeof key === "string" ? key.split("/")[1] : undefined;
}
