import { createHash } from "node:crypto";

/** What a channel sends. Texts come from outside: no format of a channel may give them a meaning. */
export interface Notification {
  /** The same however often it is sent. */
  readonly id: string;
  readonly kind: "trigger" | "resolve";
  /** Of the trigger: a resolution has that of what it resolves. */
  readonly incident: string;
  readonly rule: string;
  /** One line. */
  readonly title: string;
  /** Lines; may be empty. */
  readonly text: string;
  /** When it happened, in epoch milliseconds. */
  readonly at: number;
  readonly stackId?: string;
  /** An https address. */
  readonly url?: string;
}

/** Returns the id of what a rule sends on a channel about these positions. 32 hexadecimal digits. */
export function toNotificationId(rule: string, channel: string, positions: readonly string[]): string {
  const text = JSON.stringify([rule, channel, ...positions]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
