import { defined, findNearestName, type StoredRecord } from "@stackyard/core";
import type { HookEvent, HookOutcome } from "@stackyard/core/services";
import {
  type AppliedPull,
  applyPull,
  type MappedEvent,
  type PullHook,
  type PullState,
  withTrust,
} from "./apply-mapping.ts";
import { type PullRecord, type PullRule, trustHead } from "./decide-pull.ts";
import { RERUN } from "./hook.ts";
import { HookFailed } from "./hook-errors.ts";
import { endLink, findRival, linkStack } from "./link-stack.ts";
import { isSettled } from "./look-up.ts";
import { findMachine, type HandleDeps, publish, toUser } from "./publish-event.ts";
import { findLost, type StoredPull, toPullKey, toStoredPull } from "./pull-records.ts";
import type { QueuedHook } from "./receive.ts";

/** A pull request after its turn. */
export interface SettledPull {
  readonly kind: "settled";
  readonly record: PullRecord;
  /** Those that were published for this delivery. */
  readonly events: readonly HookEvent[];
  /** True if its head is that of a fork, which no one trusts yet. */
  readonly waits: boolean;
}

/** A close and an open for another stack follow from one delivery where the documents have changed. */
const MOST_ROUNDS = 4;

/** An event that has no line of the history after that time is not waited for. */
const UNDECIDED_MS = 86_400_000;

/**
 * Without a stack a record only marks older facts as stale, and the trusted head of a fork. Deliveries are accepted for
 * three days, and remembered for fourteen.
 */
const KEEP_ENDED_MS = 15 * 86_400_000;

/**
 * Decides what the stack of a pull request needs, and publishes it. In each round the record of the pull request first
 * stores what is going to be published (its intent), then the event is published, then the record says that it was: a
 * process that dies between two of them leaves an intent, which the next turn finishes with the same id of the event.
 */
export async function followPull(
  deps: HandleDeps,
  queued: QueuedHook,
  hook: PullHook,
): Promise<SettledPull | HookOutcome> {
  const { host } = queued;
  const key = toPullKey(host, hook.repository?.id ?? "0", hook.pull.number);
  const user = toUser(deps, host, hook);
  const events: HookEvent[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = await finishIntent(deps, key);
    const stored = withTrusted(toStoredPull(found), hook);
    const state = await loadState(deps, queued, { hook, stored, isFirst: round === 0 });
    const applied = applyPull(deps.mappings, { host, hook }, state);
    if (applied.kind === "failed" || applied.kind === "stale") return endTurn(queued, applied);
    const { record } = applied;
    await endLink(deps, stored, applied);
    if (applied.kind !== "send") {
      await save(deps, key, found, { ...record, ...defined({ last: stored.last }) });
      const sent = [...listSentBefore(queued, { last: stored.last, head: hook.pull.head, sent: events }), ...events];
      return { kind: "settled", record, events: sent, waits: applied.kind === "waits-for-trust" };
    }
    const { event } = applied;
    const rival = await findRival(deps, { host, hook, stackId: event.stackId });
    if (rival !== undefined) return { kind: "refused", reason: rival };
    await checkPull(deps, event, record.target?.mapping ?? "");
    await linkPull(deps, { host, hook, record }, event);
    const eventId = toPullEventId(queued, { rule: event.rule, head: hook.pull.head, version: found?.version ?? 0 });
    await save(deps, key, found, { ...stored, intent: { event, id: eventId, user, after: record } });
    await finishIntent(deps, key);
    events.push({ id: eventId, stackId: event.stackId, event: event.event, rule: event.rule });
  }
  throw new Error(`The documents lead to other stacks for the same pull request, ${MOST_ROUNDS} times in a row.`);
}

interface SentBefore {
  readonly last: StoredPull["last"];
  readonly head: string;
  readonly sent: readonly HookEvent[];
}

/** Returns the event that this delivery has sent in a process that died before it said so. */
function listSentBefore(queued: QueuedHook, { last, head, sent }: SentBefore): readonly HookEvent[] {
  if (last?.rule === undefined || last.event === undefined) return [];
  const { id, stackId, event, rule } = last;
  const isOwn = id.startsWith(toOwnPrefix(queued, { rule, head })) && sent.every((other) => other.id !== id);
  return isOwn ? [{ id, stackId, event, rule }] : [];
}

function endTurn({ hook }: QueuedHook, applied: Extract<AppliedPull, { kind: "failed" | "stale" }>): HookOutcome {
  if (applied.kind === "failed") throw new HookFailed(`${applied.code}: ${applied.reason}`);
  const isBehind = hook.pull === undefined;
  const why = isBehind
    ? "the API of the host is behind its webhooks. Try again later."
    : "newer facts were decided on.";
  return { kind: "stale", reason: `HOOK_STALE: ${why}` };
}

interface PullTurn {
  readonly hook: PullHook;
  readonly stored: StoredPull;
  /** A request of a person is carried out once. */
  readonly isFirst: boolean;
}

async function loadState(
  deps: HandleDeps,
  queued: QueuedHook,
  { hook, stored, isFirst }: PullTurn,
): Promise<PullState> {
  const lost = hook.action === RERUN ? "head" : await findLost(deps, stored);
  const readAt = hook.pull === queued.hook.pull ? queued.readAt : deps.clock.now();
  const stack = stored.target && (await deps.findStack(stored.target.stackId));
  return {
    record: stored,
    hasStack: stack !== undefined || (await isUndecided(deps, stored)),
    isEnding: stack?.endsFrom !== undefined,
    isAsked: isFirst && hook.kind === "command" && hook.action === "up",
    isRead: readAt !== undefined && isSettled(hook.pull, readAt),
    lost: isFirst ? lost : undefined,
  };
}

async function linkPull(
  deps: HandleDeps,
  { host, hook, record }: { readonly host: string; readonly hook: PullHook; readonly record: PullRecord },
  event: MappedEvent,
): Promise<void> {
  const mapping = deps.mappings.find(({ name }) => name === record.target?.mapping);
  if (record.phase !== "open" || mapping === undefined) return;
  await linkStack(deps, { host, hook: withTrust(hook, record), mapping }, event);
}

interface PullFact {
  readonly rule: string;
  readonly head: string;
  /** The version of the record of the decision: the same facts may recur, such as when a pull request is reopened. */
  readonly version: number;
}

function toPullEventId(queued: QueuedHook, { version, ...fact }: PullFact): string {
  // An expired record starts again with the same versions.
  return queued.readAt === undefined ? toOwnPrefix(queued, fact) : `${toOwnPrefix(queued, fact)}${version}`;
}

/** What the ids of events of one delivery, or of one reading of facts, begin with. */
function toOwnPrefix({ host, id, readAt }: QueuedHook, { rule, head }: Pick<PullFact, "rule" | "head">): string {
  return readAt === undefined ? `${host}/${id}/pull.${rule}` : `${host}/${id}/${rule}/${head}.${readAt}.`;
}

function withTrusted(stored: StoredPull, { kind, action, pull }: PullHook): StoredPull {
  return kind === "command" && action === "trust" ? { ...stored, ...trustHead(stored, pull.head) } : stored;
}

/** Publishes an intended event, and returns the record without the intent. */
async function finishIntent(deps: HandleDeps, key: string): Promise<StoredRecord | undefined> {
  const found = await deps.records.get(key, deps.clock.now());
  const { intent, ...before } = toStoredPull(found);
  if (found === undefined || intent === undefined) return found;
  const { event, id, user, after } = intent;
  try {
    await publish(deps, { id, ...event }, user);
  } catch (error) {
    // An event that no stack accepts is not published later either.
    if (error instanceof HookFailed) await save(deps, key, found, before);
    throw error;
  }
  const { stackId, rule, event: name } = event;
  const last = { id, stackId, event: name, at: deps.clock.now(), ...(isPullRule(rule) && { rule }) };
  await save(deps, key, found, { ...after, last });
  return deps.records.get(key, deps.clock.now());
}

function isPullRule(rule: string): rule is PullRule {
  return rule === "open" || rule === "head" || rule === "closed";
}

async function save(deps: HandleDeps, key: string, found: StoredRecord | undefined, value: StoredPull): Promise<void> {
  if (JSON.stringify(found?.value) === JSON.stringify(value)) return;
  const now = deps.clock.now();
  const hasEnded = value.phase === "none" && value.intent === undefined;
  const expires = hasEnded ? { expiresAt: now + KEEP_ENDED_MS } : {};
  const put = await deps.records.put({ key, value, expected: found?.version ?? "absent", now, ...expires });
  if (put.kind === "conflict") throw new Error("Another process decided about this pull request.");
}

/** Returns true while the last event, which may create the stack, is not decided. */
async function isUndecided({ queries, clock }: HandleDeps, { target, last }: StoredPull): Promise<boolean> {
  if (target === undefined) return false;
  if (last?.stackId !== target.stackId || last.at < clock.now() - UNDECIDED_MS) return false;
  const { items } = await queries.listHistory({ stackId: last.stackId, eventId: last.id }, { limit: 16 });
  return items.every(({ outcome }) => outcome === "parked");
}

/** Checks the event of a new stack, which gets the newest revision. The revision of later events is unknown here. */
async function checkPull(deps: HandleDeps, mapped: MappedEvent, mapping: string): Promise<void> {
  const { machine, event, rule } = mapped;
  const found = await findMachine(deps, mapped, mapping);
  if (rule !== "open" || found.kind !== "found" || found.machine.events.has(event)) return;
  const near = findNearestName(event, found.machine.events);
  const advice = near === undefined ? "" : ` Did you mean "${near}"?`;
  const place = `HOOK_FAILED: document ${mapping}: pull.open.send:`;
  throw new HookFailed(`${place} Machine "${machine}" declares no event "${event}".${advice}`);
}
