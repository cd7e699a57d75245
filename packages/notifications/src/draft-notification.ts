import { cutText, defined, isMap } from "@stackyard/core";
import { type Notification, toNotificationId } from "./notification.ts";
import { formatLine, toPlainLine, toPlainText } from "./plain-text.ts";

/** One thing that is notified. */
export interface DraftEntry {
  readonly position: string;
  readonly kind: Notification["kind"];
  /** Position of the trigger. */
  readonly incident: string;
  readonly title: string;
  readonly text: string;
  readonly at: number;
  readonly stackId?: string;
}

/** A notification before it has its id and link: one entry, or those of a digest. */
export interface DraftNotification {
  readonly rule: string;
  readonly channel: string;
  /** Oldest first. */
  readonly entries: readonly DraftEntry[];
  /** The number of entries of a digest that are counted only. */
  readonly more: number;
}

const MAX_TITLE = 255;
const MAX_TEXT = 4_096;
/** Characters of each text in a digest, so that it fits into a record. */
const MAX_DIGEST_TEXT = 500;

/** Returns an entry with bounded texts. */
export function toDraftEntry(entry: DraftEntry, isDigest: boolean): DraftEntry {
  const text = cutText(toPlainText(entry.text).trim(), isDigest ? MAX_DIGEST_TEXT : MAX_TEXT);
  return { ...entry, title: toPlainLine(entry.title, MAX_TITLE), text };
}

/** Adds an entry to a digest of at most `max` listed entries. Skips an entry that it already has. */
export function addToDigest(before: unknown, added: DraftNotification, max: number): DraftNotification {
  if (!isDraft(before)) return added;
  const known = new Set(before.entries.map(({ position }) => position));
  const entries = [...before.entries, ...added.entries.filter(({ position }) => !known.has(position))];
  return { ...before, entries: entries.slice(0, max), more: before.more + Math.max(0, entries.length - max) };
}

/** Returns true for a draft. Records of digests have no other values, so a brief check is enough. */
export function isDraft(value: unknown): value is DraftNotification {
  return isMap(value) && typeof value["channel"] === "string" && Array.isArray(value["entries"]);
}

/** Returns the notification for a channel. `console` is the address of the yard's console. */
export function toNotification(draft: DraftNotification, console: string | undefined): Notification {
  const { rule, channel, entries, more } = draft;
  const positions = entries.map(({ position }) => position);
  const id = toNotificationId(rule, channel, more === 0 ? positions : [...positions, `+${more}`]);
  const [entry] = entries;
  if (entry !== undefined && entries.length === 1 && more === 0) return toSingle(draft, entry, { id, console });
  const text = [...entries.map(formatLine), ...(more === 0 ? [] : [`and ${more} more`])].join("\n");
  const title = `${entries.length + more} notifications of "${rule}"`;
  return { id, kind: "trigger", incident: id, rule, title, text, at: entry?.at ?? 0, ...defined({ url: console }) };
}

function toSingle(
  { rule, channel }: DraftNotification,
  { kind, incident, title, text, at, stackId }: DraftEntry,
  { id, console }: { readonly id: string; readonly console: string | undefined },
): Notification {
  const url =
    console &&
    (stackId === undefined ? console : `${console.replace(/\/$/, "")}/stack?id=${encodeURIComponent(stackId)}`);
  const trigger = toNotificationId(rule, channel, [incident]);
  return { id, kind, incident: trigger, rule, title, text, at, ...defined({ stackId, url }) };
}
