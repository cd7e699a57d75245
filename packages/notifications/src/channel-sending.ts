import { backoff, defined } from "@stackyard/core";
import { type Notice, notify } from "@stackyard/core/services";
import { openRecord } from "./channel-state.ts";
import type { ChannelWork } from "./channel-work.ts";
import type { Sent } from "./channels/send.ts";
import { sendNotification } from "./channels/send-notification.ts";
import { addToDigest, type DraftNotification, isDraft, toNotification } from "./draft-notification.ts";

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** The longest pause while a person must correct something: a correction counts soon. */
const LONGEST_REFUSAL_MS = 300_000;
const DAY_MS = 86_400_000;
/** A digest that no channel takes is kept for so long. */
const KEEP_DIGEST_MS = 30 * DAY_MS;
/** Notices about a channel. */
const FAILED = "channel-failed";

/** Returns whether a notice is for this channel: not one that says that the channel itself takes nothing. */
export function isFor(channel: string, { kind, data }: Notice): boolean {
  return kind !== FAILED || data?.["channel"] !== channel;
}

/**
 * Sends a notification. `held`: the channel does not take it now, and nothing is sent before its pause ends. `refused`:
 * it will never take this one.
 */
export async function deliver(work: ChannelWork, draft: DraftNotification): Promise<"sent" | "refused" | "held"> {
  const { channel, taken, state, logger } = work;
  const notification = toNotification(draft, work.url);
  const { id } = notification;
  if (taken.has(id) || state.taken.includes(id)) {
    taken.add(id);
    return "sent";
  }
  const sent = await sendNotification(work, channel, notification);
  if (sent.kind !== "sent") {
    logger.warn("A notification could not be sent.", {
      channel: channel.name,
      id,
      reason: sent.reason,
      kind: sent.kind,
    });
  }
  const isHeld = sent.kind === "retried" || (sent.kind === "refused" && sent.isAboutOne !== true);
  if (isHeld) {
    await pause(work, sent);
    return "held";
  }
  taken.add(id);
  if (sent.kind === "refused") {
    const title = `The channel "${channel.name}" refuses notifications of "${draft.rule}"`;
    await notifyFailed(work, `${draft.rule}/${Math.floor(work.clock.now() / DAY_MS)}`, { title, reason: sent.reason });
  }
  if (state.failure !== undefined) {
    const { failure: _, ...rest } = state;
    work.state = rest;
    await work.stored.put(rest);
  }
  return sent.kind;
}

/** Stores that the channel accepts nothing now. Other channels report it at once if people must correct it. */
async function pause(work: ChannelWork, sent: Exclude<Sent, { kind: "sent" }>): Promise<void> {
  const now = work.clock.now();
  const { count: before = 0, firstAt = now } = work.state.failure ?? {};
  const count = before + 1;
  const most = sent.kind === "refused" ? LONGEST_REFUSAL_MS : LONGEST_PAUSE_MS;
  const waitMs = backoff(count, { first: FIRST_PAUSE_MS, most }) * (0.5 + work.random() / 2);
  const dueAt = now + Math.max(Math.ceil(waitMs), sent.kind === "retried" ? (sent.afterMs ?? 0) : 0);
  const skipped = work.state.skipped && { ...work.state.skipped, until: now };
  const failure = { count, firstAt, dueAt };
  work.state = { failure, heldUntil: now, taken: [...work.taken], ...defined({ skipped }) };
  await work.stored.put(work.state);
  if (sent.kind === "retried" && now - firstAt < DAY_MS) return;
  const title = `The channel "${work.channel.name}" takes no notifications`;
  await notifyFailed(work, `${firstAt}`, { title, reason: sent.reason });
}

async function notifyFailed(
  work: ChannelWork,
  key: string,
  { title, reason }: { readonly title: string; readonly reason: string },
): Promise<void> {
  const { name } = work.channel;
  await notify(work, { kind: FAILED, key: `${name}/${key}`, title, text: reason, data: { channel: name } });
}

/** Adds a notification to the digest of its rule; `key` distinguishes one that waits alone. */
export async function addDigest(
  work: ChannelWork,
  draft: DraftNotification,
  { dueAt, max, key }: { readonly dueAt: number; readonly max: number; readonly key: string | undefined },
): Promise<void> {
  const record = await openRecord(work, toDigestKey(work, { dueAt, key, rule: draft.rule }));
  await record.put(addToDigest(record.found?.value, draft, max), dueAt + KEEP_DIGEST_MS);
  work.digestAt = Math.min(work.digestAt, dueAt);
}

/** Removes a notification that waits alone. Returns false if it is not there: it was sent. */
export async function cancelDigest(
  work: ChannelWork,
  waiting: { readonly dueAt: number; readonly key: string | undefined; readonly rule: string },
): Promise<boolean> {
  const key = toDigestKey(work, waiting);
  const found = await work.records.get(key, work.clock.now());
  if (found !== undefined) await work.records.remove(key, found.version);
  return found !== undefined;
}

function toDigestKey(
  { folder }: ChannelWork,
  { dueAt, key, rule }: { readonly dueAt: number; readonly key: string | undefined; readonly rule: string },
): string {
  return [`${folder}/digests`, String(dueAt).padStart(15, "0"), rule, ...(key === undefined ? [] : [key])].join("/");
}

/** Sends the digests that are due at an instant, the earliest first. Returns false if the channel does not take one. */
export async function sendDigests(work: ChannelWork, until: number): Promise<boolean> {
  const prefix = `${work.folder}/digests/`;
  while (work.digestAt <= until) {
    const { items } = await work.records.list(prefix, { limit: 1, now: work.clock.now() });
    const [first] = items;
    work.digestAt =
      first === undefined ? Number.POSITIVE_INFINITY : Number(first.key.slice(prefix.length).split("/")[0]);
    if (first === undefined || work.digestAt > until) break;
    if (isDraft(first.value) && (await deliver(work, first.value)) === "held") return false;
    await work.records.remove(first.key, first.version);
    work.digestAt = 0;
  }
  return true;
}
