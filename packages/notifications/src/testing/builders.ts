import { defined, type Stack } from "@stackyard/core";
import type { Notification } from "../notification.ts";
import { type Notifications, parseNotifications } from "../parse-notifications.ts";
import { type HistoryLine, toEntrySubject } from "../to-subject.ts";

/** Channels of documents in tests. */
export const CHANNELS = `channels:
  team: { type: slack, url: { env: SLACK } }
  pager: { type: pagerduty, key: { env: PAGER } }
`;

/** Parses a document with these rules over `CHANNELS`. Throws when it has problems. */
export function aDocument(rules: string): Notifications {
  const { notifications, problems } = parseNotifications(`${CHANNELS}rules:\n${rules}`);
  if (notifications === undefined) throw new Error(JSON.stringify(problems));
  return notifications;
}

/** The time of builders. */
export const AT = Date.parse("2026-01-15T12:00:00Z");

/** Returns a line of the history: a stack enters LEAKED. */
export function aLine(over: Partial<HistoryLine> = {}): HistoryLine {
  const position = over.position ?? 1;
  const line = { stackId: "shop-pr-7", at: AT, eventId: `e${position}`, event: "FAILED", outcome: "applied" } as const;
  return { ...line, from: "CLEAN-UP", to: "LEAKED", sent: [], notes: [], ...over, position };
}

/** Returns a line for rules, of a stack that does not exist any more. */
export function aSubject(over: Partial<HistoryLine> = {}, stack?: Stack) {
  const line = aLine(over);
  return toEntrySubject(line, { stack, now: Math.max(AT, line.at) });
}

/** A test's notification. `stackId: undefined`: it has no stack. */
export type NotificationInput = Partial<Omit<Notification, "stackId">> & { readonly stackId?: string | undefined };

/** Returns a notification about a stack. */
export function aNotification(over: NotificationInput = {}): Notification {
  const { stackId, ...rest } = { stackId: "shop-pr-7", ...over };
  return {
    id: "1".repeat(32),
    kind: "trigger",
    incident: "1".repeat(32),
    rule: "leaked",
    title: "shop-pr-7 left something behind",
    text: "arn:aws:s3:::left",
    at: AT,
    url: "https://yard.example.org/stack?id=shop-pr-7",
    ...rest,
    ...defined({ stackId }),
  };
}
