import { defined } from "@stackyard/core";
import { notify } from "@stackyard/core/services";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { addDigest, cancelDigest, deliver } from "./channel-sending.ts";
import { openRecord, shorten } from "./channel-state.ts";
import { type ChannelWork, keepEnding } from "./channel-work.ts";
import {
  type Decided,
  decideNotification,
  leaveOut,
  matchRules,
  type Outgoing,
  type RuleMatch,
  RuleRecord,
  type Subject,
} from "./decide-notifications.ts";
import { type DraftNotification, toDraftEntry } from "./draft-notification.ts";

const DAY_MS = 86_400_000;
/** Minimum time that a rule's record is kept; open incidents are kept too. */
const KEEP_MS = 90 * DAY_MS;
/** Maximum number of entries listed after quiet hours. */
const MAX_QUIET = 20;

/** The alerts of one stack and rule that its removal ends. */
const MOST_OPENED = 100;

const Opened = Type.Object({ keys: Type.Array(Type.String()) });

/** Sends what the rules say about a line or a notice. Returns false if the channel does not take all of it. */
export async function handleSubject(work: ChannelWork, subject: Subject): Promise<boolean> {
  work.taken.clear();
  const { matches, failures } = matchRules(work.rules, subject);
  for (const { path, reason } of failures) {
    work.logger.warn("An expression of a rule failed.", { path, reason, stackId: subject.stackId });
    await notify(work, {
      kind: "rule-failed",
      key: path,
      title: `${path} of the notifications failed`,
      text: `${reason}. First for ${subject.title}. Correct the rule, or check with has(…) first.`,
      data: { path },
    });
  }
  for (const match of matches) {
    if (!(await handleMatch(work, match))) return false;
  }
  return true;
}

async function handleMatch(work: ChannelWork, match: RuleMatch): Promise<boolean> {
  const { subject } = match;
  for (const [index, key] of (await listKeys(work, match)).entries()) {
    // Each alert that a removal ends has a notification of its own.
    const position = index === 0 ? subject.position : `${subject.position}.${key}`;
    if (!(await handleKey(work, { ...match, subject: { ...subject, position } }, key))) return false;
  }
  return true;
}

async function handleKey(work: ChannelWork, match: RuleMatch, key: string | undefined): Promise<boolean> {
  const { rule } = match;
  const stored = key === undefined ? undefined : await openRecord(work, `${work.folder}/rules/${rule.name}/${key}`);
  const before = Check(RuleRecord, stored?.found?.value) ? stored.found.value : undefined;
  const decided = decideNotification(match, before);
  const { record } = decided;
  if (record === undefined) return true;
  const settled = await settle(work, { match, key, before, decided });
  if (settled === "held") return false;
  if (stored === undefined) return true;
  const expiresAt = work.clock.now() + Math.max(KEEP_MS, rule.dedupe?.forMs ?? 0);
  if (match.kind === "trigger" && rule.ending !== undefined) await keepEnding(work, rule.ending, expiresAt);
  await stored.put(settled === "left" && match.kind === "trigger" ? leaveOut(record, before) : record, expiresAt);
  return true;
}

/** Returns the keys of a match's records. Those of a removed stack are the ones under which its alerts were opened. */
async function listKeys(
  work: ChannelWork,
  { rule, subject, key, kind }: RuleMatch,
): Promise<readonly (string | undefined)[]> {
  const { stackId } = subject;
  if (key === undefined) return [undefined];
  const own = shorten(key);
  const isNamed = kind === "trigger" ? key !== stackId : subject.isRemoval;
  if (rule.resolve === undefined || stackId === undefined || rule.dedupe === undefined || !isNamed) return [own];
  const opened = await openRecord(work, `${work.folder}/opened/${rule.name}/${shorten(stackId)}`);
  const { keys } = Check(Opened, opened.found?.value) ? opened.found.value : { keys: [] };
  if (kind === "resolve") return [...new Set([own, ...keys])];
  const others = keys.filter((each) => each !== own);
  await opened.put({ keys: [...others, own].slice(-MOST_OPENED) }, work.clock.now() + KEEP_MS);
  return [own];
}

interface SettleInput {
  readonly match: RuleMatch;
  readonly key: string | undefined;
  readonly before: RuleRecord | undefined;
  readonly decided: Decided;
}

/** Sends what was decided, or collects it. `left`: it is not sent, or the channel refuses it. */
async function settle(work: ChannelWork, input: SettleInput): Promise<"sent" | "left" | "held"> {
  const { match, key, decided } = input;
  const { send, cancels } = decided;
  const { rule } = match;
  if (cancels !== undefined && (await cancelDigest(work, { dueAt: cancels, key, rule: rule.name }))) return "sent";
  if (send === undefined || (await isLeftOut(work, input))) return "left";
  const draft = toDraft(work, match, send);
  if (send.isDigest) {
    const alone = decided.record?.isWaiting === true ? key : undefined;
    await addDigest(work, draft, { dueAt: send.dueAt, max: rule.digest?.max ?? MAX_QUIET, key: alone });
    return "sent";
  }
  const sent = await deliver(work, draft);
  return sent === "refused" ? "left" : sent;
}

/**
 * Returns whether a match is not sent. What began and ended while the channel was held up is reported by its end only. Of what
 * happened before a channel that is more than a day behind comes back, only what is still true is sent; the others are
 * counted.
 */
async function isLeftOut(work: ChannelWork, { match, before }: SettleInput): Promise<boolean> {
  const { rule, kind, subject } = match;
  const isLate = beginSkip(work, subject.at);
  const isBegin = kind === "trigger" && rule.resolve !== undefined;
  const isHeld = isLate || subject.at <= work.state.heldUntil;
  const hasEnded = isBegin && isHeld && subject.about === "entry" && (await work.hasEnded(match, work.position));
  if (!isLate) return hasEnded;
  if (isBegin ? !hasEnded : kind === "resolve" && before?.isSent === true) return false;
  await countSkipped(work, match);
  return true;
}

/** Returns whether an instant is among those of which most is left out, and begins to leave out after a day. */
function beginSkip(work: ChannelWork, at: number): boolean {
  const now = work.clock.now();
  if (work.state.skipped === undefined && at < now - DAY_MS) {
    work.state = { ...work.state, skipped: { from: at, until: now, counts: {} } };
  }
  return at <= (work.state.skipped?.until ?? 0);
}

async function countSkipped(work: ChannelWork, { rule, subject }: RuleMatch): Promise<void> {
  const { skipped, taken } = work.state;
  const id = `${rule.name} ${subject.position}`;
  if (skipped === undefined || taken.includes(id)) return;
  work.taken.add(id);
  const counts = { ...skipped.counts, [rule.name]: (skipped.counts[rule.name] ?? 0) + 1 };
  work.state = { ...work.state, skipped: { ...skipped, counts } };
  await work.stored.put(work.state);
}

function toDraft({ channel }: ChannelWork, { rule, subject, kind, title, text }: RuleMatch, send: Outgoing) {
  const { position, at, stackId } = subject;
  const entry = { position, kind, incident: send.incident, title, text, at, ...defined({ stackId }) };
  const entries = [toDraftEntry(entry, send.isDigest)];
  return { rule: rule.name, channel: channel.name, entries, more: 0 } satisfies DraftNotification;
}
