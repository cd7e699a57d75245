import { createHash } from "node:crypto";

/** The content for a channel. Texts come from outside: a channel must not interpret them in any format. */
export interface Notification {
  /** The same for each retry. */
  readonly id: string;
  readonly kind: "trigger" | "resolve";
  /** The trigger's id; a resolution has that of its trigger. */
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

/** Returns the id of a rule's notification on a channel about these positions. 32 hexadecimal digits. */
export function toNotificationId(rule: string, channel: string, positions: readonly string[]): string {
  const text = JSON.stringify([rule, channel, ...positions]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
