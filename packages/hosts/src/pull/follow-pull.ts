import { defined, findNearestName, type ServiceUser, type StoredRecord } from "@stackyard/core";
import {
  type EventFate,
  type HookEvent,
  type HookOutcome,
  notePullFault,
  noteWish,
  notify,
} from "@stackyard/core/services";
import { type HookPull, RERUN } from "../delivery/hook.ts";
import { HookFailed, HookUndecided } from "../delivery/hook-errors.ts";
import { BEHIND_MS, isSettled } from "../delivery/look-up.ts";
import { type HandleDeps, isRemovedByPerson, publish, toExisting, toUser } from "../delivery/publish-event.ts";
import { type QueuedHook, toWishedAt } from "../delivery/receive.ts";
import {
  type AppliedPull,
  applyPull,
  type MappedEvent,
  type PullHook,
  type PullState,
  withTrust,
} from "../mapping/apply-mapping.ts";
import { type PullRecord, type PullRule, trustHead } from "./decide-pull.ts";
import { endLink, findRival, isStackId, linkStack } from "./link-stack.ts";
import { findLastFate, type StoredPull, savePull, toPullKey, toStoredPull, undoLast } from "./pull-records.ts";

/** A pull request after its turn. */
export interface SettledPull {
  readonly kind: "settled";
  readonly record: StoredPull;
  /** Those that were published for this delivery. */
  readonly events: readonly HookEvent[];
  /** True if its head is that of a fork, which no one trusts yet. */
  readonly waits: boolean;
  /** Why an event that it needs is not sent: the yard refuses it. */
  readonly refused?: string;
}

/** A close and an open for another stack follow from one delivery where the documents have changed. */
const MOST_ROUNDS = 4;

/** The events of so many heads are remembered, for reports on them. */
const MOST_SENT = 10;

/** An event that has no line of the history after that time is not waited for. */
const UNDECIDED_MS = 86_400_000;

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
  const events: HookEvent[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const turn = await takeTurn(deps, queued, { hook, events });
    if ("kind" in turn) return turn;
    events.push(turn);
  }
  throw new Error(`The documents lead to other stacks for the same pull request, ${MOST_ROUNDS} times in a row.`);
}

/** Publishes one event, and returns it; or returns what the pull request has come to. */
async function takeTurn(
  deps: HandleDeps,
  queued: QueuedHook,
  { hook, events }: { readonly hook: PullHook; readonly events: readonly HookEvent[] },
): Promise<HookEvent | SettledPull | HookOutcome> {
  const { host } = queued;
  const { pull } = hook;
  const key = toPullKey(host, hook.repository?.id ?? "0", pull.number);
  const user = toUser(deps, host, hook);
  const found = await finishIntent(deps, key);
  const stored = withTrusted(toStoredPull(found), hook);
  const { fate, ...state } = await loadState(deps, queued, { hook, stored, isFirst: events.length === 0 });
  const applied = await takeExisting(deps, { host, hook, stored }, applyPull(deps.mappings, { host, hook }, state));
  if (applied.kind === "failed") await noteUnfollowed(deps, stored, applied.reason);
  if (applied.kind === "failed" || applied.kind === "stale") return endTurn(queued, applied);
  if (applied.kind === "send" && (await withdrawLast(deps, { stored, fate, applied }, user))) {
    return takeTurn(deps, queued, { hook, events });
  }
  const turn = { stored, fate, applied, before: state.record };
  const waiting = await findWaiting(deps, turn, { hook, user });
  if (waiting === undefined) await endLink(deps, stored, applied);
  if (applied.kind !== "send" || waiting !== undefined) {
    const record = toUnsent(turn);
    await savePull(deps, key, found, record);
    const sent = [...listSentBefore(queued, { last: stored.last, head: pull.head, sent: events }), ...events];
    const refused = await explainWaiting(deps, stored, { pull, waiting });
    const isUntrusted = applied.kind === "waits-for-trust";
    return { kind: "settled", record, events: sent, waits: isUntrusted, ...defined({ refused }) };
  }
  return noteFailed(deps, applied.event, () => send(deps, queued, { key, found, stored, user, hook, applied }));
}

/**
 * Takes a stack as it is that has the head already, such as one that was adopted before the host was connected: nothing is
 * sent to it before the pull request has another head.
 */
async function takeExisting(
  deps: HandleDeps,
  { host, hook, stored }: Omit<IntendInput, "applied"> & { readonly stored: StoredPull },
  applied: AppliedPull,
): Promise<AppliedPull> {
  if (applied.kind !== "send" || applied.event.rule !== "open" || stored.last !== undefined) return applied;
  const { stackId, metadata } = applied.event;
  const stack = await deps.findStack(stackId);
  const hasHead = Object.values(metadata).includes(hook.pull.head);
  const isSame = Object.entries(metadata).every(([key, value]) => stack?.metadata[key] === value);
  if (stack === undefined || stack.endsFrom !== undefined || !hasHead || !isSame) return applied;
  if ((await findRival(deps, { host, hook, stackId })) !== undefined) return applied;
  const { record } = applied;
  await linkPull(deps, { host, hook, record }, { ...applied.event, machine: stack.machine });
  return { kind: "nothing", record };
}

/**
 * Withdraws the last event of a pull request that is parked, because another one is needed now. Returns true when it is
 * decided again what. Throws `HookUndecided` while the yard has not decided about a close that was taken back: it may be
 * parked.
 */
async function withdrawLast(
  deps: HandleDeps,
  { stored: { last }, fate, applied: { event } }: Pick<PullTurnResult, "stored" | "fate"> & Pick<SendInput, "applied">,
  { name: by }: ServiceUser,
): Promise<boolean> {
  if (last === undefined) return false;
  const isTakenBack = last.rule === "closed" && event.rule !== "closed";
  const isRecent = deps.clock.now() < last.at + BEHIND_MS;
  if (fate.kind === "undecided" && isTakenBack && isRecent) {
    throw new HookUndecided(`The yard has not decided yet about "${last.event}".`);
  }
  if (fate.kind !== "parked") return false;
  const reason = `The pull request needs "${event.event}" now.`;
  return deps.withdrawParked(last, { by, reason });
}

interface SendInput extends Pick<IntendInput, "hook" | "applied"> {
  readonly key: string;
  readonly found: StoredRecord | undefined;
  readonly stored: StoredPull;
  readonly user: ServiceUser;
}

/** Publishes the event of a turn, and returns it. */
async function send(
  deps: HandleDeps,
  queued: QueuedHook,
  { key, found, stored, user, hook, applied }: SendInput,
): Promise<HookEvent | HookOutcome> {
  const { record: after } = applied;
  const { head } = hook.pull;
  const event = await toExisting(deps, applied.event, after.target?.mapping ?? "");
  const rival = await intend(deps, { host: queued.host, hook, applied: { ...applied, event } });
  if (rival !== undefined) return { kind: "refused", reason: rival };
  const id = toPullEventId(queued, { rule: event.rule, head, version: found?.version ?? 0 });
  await savePull(deps, key, found, { ...stored, intent: { event, id, user, after, head } });
  await finishIntent(deps, key);
  return { id, stackId: event.stackId, event: event.event, rule: event.rule };
}

/** Lists the stack of an event that cannot be published at all, such as one for a machine that the yard does not have. */
async function noteFailed<Result>(
  deps: HandleDeps,
  { stackId }: MappedEvent,
  publishing: () => Promise<Result>,
): Promise<Result> {
  try {
    return await publishing();
  } catch (error) {
    if (error instanceof HookFailed && isStackId(stackId)) {
      await notePullFault(deps, { stackId, kind: "refused", reason: error.message });
    }
    throw error;
  }
}

interface IntendInput {
  readonly host: string;
  readonly hook: PullHook;
  readonly applied: Extract<AppliedPull, { kind: "send" }>;
}

/** Checks and links the stack of an event that is going to be published. Returns why the pull request may not have it. */
async function intend(
  deps: HandleDeps,
  { host, hook, applied: { event, record } }: IntendInput,
): Promise<string | undefined> {
  const rival = await findRival(deps, { host, hook, stackId: event.stackId });
  if (rival !== undefined) return rival;
  await checkPull(deps, event, record.target?.mapping ?? "");
  await linkPull(deps, { host, hook, record }, event);
  return undefined;
}

interface PullTurnResult {
  readonly stored: StoredPull;
  /** The fate of its last event. */
  readonly fate: EventFate;
  /** The record without an event that was refused. */
  readonly before: StoredPull;
  readonly applied: Exclude<AppliedPull, { kind: "failed" | "stale" }>;
}

type Waiting = Extract<EventFate, { kind: "parked" } | { kind: "refused" }>;

/**
 * Returns why the pull request waits: its event is parked, or would be refused again. An event that the yard has refused
 * is repeated only when the yard would apply it now: documents, machine, stack or rights have changed.
 */
async function findWaiting(
  deps: HandleDeps,
  { stored: { last }, fate, applied }: PullTurnResult,
  { hook, user }: { readonly hook: PullHook; readonly user: ServiceUser },
): Promise<Waiting | undefined> {
  if (applied.kind !== "send") return fate.kind === "parked" ? fate : undefined;
  if (fate.kind !== "refused" || hook.action === RERUN || !isRepeated(last, applied.event, hook.pull)) return undefined;
  const event = await toExisting(deps, applied.event, applied.record.target?.mapping ?? "");
  const foreseen = await deps.foresee(event, user);
  return foreseen.kind === "refused" ? foreseen : undefined;
}

function isRepeated(last: StoredPull["last"], { rule, stackId }: MappedEvent, { head }: HookPull): boolean {
  return last?.stackId === stackId && last.rule === rule && (rule === "closed" || last.head === head);
}

/** Returns the record of a turn that sends nothing: with the newest facts, and what the yard has accepted. */
function toUnsent({ stored, fate, before, applied }: PullTurnResult): StoredPull {
  const { last } = stored;
  if (applied.kind !== "send") {
    // Nothing is needed any more: its refusal is of no interest.
    const kept = fate.kind === "refused" ? undefined : last;
    const { last: _, ...record }: StoredPull = applied.record;
    return { ...record, ...defined({ last: kept }) };
  }
  const { updatedAt, isClosed } = applied.record;
  const isRefused = fate.kind === "refused" && last !== undefined;
  return { ...before, updatedAt, ...defined({ isClosed }), ...(isRefused && { last: { ...last, isRefused: true } }) };
}

/** Returns why an event is not applied, and notifies people once of one that was refused. */
async function explainWaiting(
  deps: HandleDeps,
  { last }: StoredPull,
  { pull, waiting }: { readonly pull: HookPull; readonly waiting: Waiting | undefined },
): Promise<string | undefined> {
  if (last === undefined || waiting === undefined) return undefined;
  const { stackId, event = "", at } = last;
  const what = `"${event}" for pull request ${pull.number} ${waiting.kind === "parked" ? "is parked" : "was refused"}`;
  const reason = `${what} (${waiting.code}): ${waiting.reason} It is sent again when the stack takes it.`;
  if (waiting.kind === "parked") return reason;
  await notify(deps, {
    kind: "pull-refused",
    key: `${stackId}/${event}/${at}`,
    title: `The preview "${stackId}" is not what its pull request needs`,
    text: `${reason} Correct the mapping document, the machine or the state of the stack.`,
    stackId,
  });
  return reason;
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

/** Lists a stack that a fault of the documents keeps from following its pull request. */
async function noteUnfollowed(deps: HandleDeps, { phase, target }: StoredPull, reason: string): Promise<void> {
  if (phase !== "open" || target === undefined) return;
  await notePullFault(deps, { stackId: target.stackId, kind: "unfollowed", reason });
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
): Promise<PullState & { readonly record: StoredPull; readonly fate: EventFate }> {
  const fate = await findLastFate(deps, stored);
  const readAt = hook.pull === queued.hook.pull ? queued.readAt : deps.clock.now();
  const stack = stored.target && (await deps.findStack(stored.target.stackId));
  const hasStack = stack !== undefined;
  const isEnding = stack?.endsFrom !== undefined;
  return {
    fate,
    record: fate.kind === "refused" ? undoLast(stored, { hasStack, isEnding }) : stored,
    hasStack: hasStack || isUndecided(deps, stored, fate),
    isEnding,
    isAsked: isFirst && (await isAsked(deps, queued, { hook, stored })),
    isRemoved: stored.target !== undefined && (await isRemovedByPerson(deps, stored.target.stackId)),
    isRead: readAt !== undefined && isSettled(hook.pull, readAt),
    isRerun: isFirst && hook.action === RERUN,
  };
}

/** Returns true for a person who requests the stack, and for whom nothing else was requested since. */
async function isAsked(
  deps: HandleDeps,
  queued: QueuedHook,
  { hook: { kind, action }, stored: { target } }: Pick<PullTurn, "hook" | "stored">,
): Promise<boolean> {
  if (kind !== "command" || action !== "up") return false;
  return target === undefined || noteWish(deps, target.stackId, toWishedAt(queued));
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

/** The prefix of the ids of events of one delivery, or of one reading of facts. */
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
  const { event, id, user, after, head } = intent;
  try {
    await publish(deps, { id, ...event }, user);
  } catch (error) {
    // An event that no stack accepts is not published later either.
    if (error instanceof HookFailed) await savePull(deps, key, found, before);
    throw error;
  }
  const { stackId, rule, event: name } = event;
  const last = { id, stackId, event: name, at: deps.clock.now(), head, ...(isPullRule(rule) && { rule }) };
  const sent = event.commit === undefined ? before.sent : [...(before.sent ?? []), { id, head }].slice(-MOST_SENT);
  await savePull(deps, key, found, { ...after, last, ...defined({ sent }) });
  return deps.records.get(key, deps.clock.now());
}

function isPullRule(rule: string): rule is PullRule {
  return rule === "open" || rule === "head" || rule === "closed";
}

/** Returns true while the last event, which may create the stack, is not decided. */
function isUndecided({ clock }: HandleDeps, { target, last }: StoredPull, { kind }: EventFate): boolean {
  if (target === undefined || last?.stackId !== target.stackId) return false;
  return (kind === "undecided" || kind === "parked") && last.at >= clock.now() - UNDECIDED_MS;
}

/** Checks the event of a new stack, which gets the newest revision. The revision of later events is unknown here. */
async function checkPull(deps: HandleDeps, mapped: MappedEvent, mapping: string): Promise<void> {
  const { machine, event, rule } = mapped;
  const found = await deps.locator.find(machine);
  if (rule !== "open" || found.kind !== "found" || found.machine.events.has(event)) return;
  const near = findNearestName(event, found.machine.events);
  const advice = near === undefined ? "" : ` Did you mean "${near}"?`;
  const place = `HOOK_FAILED: document ${mapping}: pull.open.send:`;
  throw new HookFailed(`${place} Machine "${machine}" declares no event "${event}".${advice}`);
}
