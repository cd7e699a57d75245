import { defined, findNearestName, type ServiceDeps, type ServiceUser, type StoredRecord } from "@stackyard/core";
import type { HookEvent, HookOutcome } from "@stackyard/core/services";
import { findEffect } from "./answer-command.ts";
import {
  type AppliedPull,
  applyPull,
  applyRules,
  findMapping,
  type MappedEvent,
  type PullHook,
  type PullState,
  withTrust,
} from "./apply-mapping.ts";
import { approveByComment } from "./approve-by-comment.ts";
import type { CodeHost } from "./code-host.ts";
import { CONVERGED } from "./converge.ts";
import { type PullRecord, type PullRule, trustHead } from "./decide-pull.ts";
import { findRival } from "./find-rival.ts";
import { type Hook, RERUN } from "./hook.ts";
import { HookFailed, HookUndecided } from "./hook-errors.ts";
import { type HostPermission, hasPermission } from "./host-permission.ts";
import { endLink, type LinkInput, linkStack } from "./link-stack.ts";
import type { FindPerson } from "./linked-people.ts";
import { formatLacking, isSettled, lookUp, OWN_WORDS } from "./look-up.ts";
import type { Mapping } from "./mapping.ts";
import { findLost, type StoredPull, toPullKey, toStoredPull } from "./pull-records.ts";
import type { QueuedHook } from "./receive.ts";
import type { CommandAnswer, ReportRequest } from "./report/report-records.ts";

/** The dependencies of a decision about a delivery. */
export interface HandleDeps
  extends Pick<ServiceDeps, "records" | "queries" | "locator" | "clock" | "findStack" | "publish" | "approve"> {
  readonly mappings: readonly Mapping[];
  readonly findPerson: FindPerson;
  /** Undefined: the options of the host do not allow look-ups. */
  readonly codeHost: CodeHost | undefined;
}

/** What became of a delivery. */
export interface HandledHook {
  /** Undefined while the yard has not decided about the events of a command, which are `published`. */
  readonly outcome: HookOutcome | undefined;
  readonly published?: readonly HookEvent[];
  /** The pull request; undefined when the delivery has none, or there is nothing to report. */
  readonly report?: ReportRequest;
  /** True if the host's API was behind the delivery: the pull request is read again soon. */
  readonly isBehind?: boolean;
}

/**
 * Decides about one delivery, publishes the resulting event, and records it. May be repeated from the start after a
 * crash at any point: an intent is recorded before publishing, and every event's id is derived from the delivery.
 */
export async function handleHook(deps: HandleDeps, queued: QueuedHook): Promise<HandledHook> {
  if (queued.published !== undefined) return answerCommand(deps, queued, queued.published);
  const looked = await lookUp(deps, queued);
  if (looked.kind !== "hook") return { outcome: looked, ...defined({ report: toReport(queued, looked) }) };
  const { hook, isBehind = false } = looked;
  if (hook.kind === "command" && hook.action === "approve" && hook.pull !== undefined) {
    const outcome = await approve(deps, queued, { ...hook, pull: hook.pull });
    return { outcome, ...defined({ report: toReport(queued, outcome) }) };
  }
  const handled = await decideHook(deps, queued, hook);
  // Facts that are older than what was decided on come from an API that is behind.
  const isStale = handled.outcome?.kind === "stale" && deps.codeHost !== undefined && queued.readAt === undefined;
  return isBehind || isStale ? { ...handled, isBehind: true } : handled;
}

async function decideHook(deps: HandleDeps, queued: QueuedHook, hook: Hook): Promise<HandledHook> {
  const pull = hook.pull === undefined ? undefined : await followPull(deps, queued, { ...hook, pull: hook.pull });
  if (pull !== undefined && pull.kind !== "settled") {
    return { outcome: pull, ...defined({ report: toReport(queued, pull, { hook }) }) };
  }
  const rules = await publishRules(deps, queued, hook, pull?.record);
  const events = [...(pull?.events ?? []), ...rules.events];
  const decided = { hook, ...defined({ settled: pull }) };
  if (hook.kind === "command" && events.length > 0) return answerCommand(deps, queued, events, decided);
  const refused = rules.refused ?? findRefusedUp(hook, pull);
  const outcome = toOutcome(hook, { events, refused, waits: pull?.waits === true });
  return { outcome, ...defined({ report: toReport(queued, outcome, decided) }) };
}

/** Returns the outcome of a command whose events are published, once the yard has decided about them. */
async function answerCommand(
  deps: HandleDeps,
  queued: QueuedHook,
  published: readonly HookEvent[],
  decided?: Decided,
): Promise<HandledHook> {
  const effect = await findEffect(deps, queued, published);
  if (effect.kind === "undecided" && decided === undefined) throw new HookUndecided("The yard has not decided yet.");
  if (effect.kind === "undecided") {
    return { outcome: undefined, published, ...defined({ report: toReport(queued, undefined, decided) }) };
  }
  const reason = effect.kind === "undone" ? effect.reason : undefined;
  const outcome: HookOutcome = { kind: "events", events: published, ...defined({ reason }) };
  return { outcome, ...defined({ report: toReport(queued, outcome, decided) }) };
}

async function approve(deps: HandleDeps, { host, id }: QueuedHook, hook: PullHook): Promise<HookOutcome> {
  const input = { host, eventId: `${host}/${id}/approve`, hook, person: deps.findPerson(host, hook.sender) };
  const outcome = await approveByComment(deps, input);
  if (outcome === undefined) throw new HookUndecided("The yard has not decided yet about the approval.");
  return outcome;
}

/** Returns the answer to a person who requests a preview that cannot be created. */
function findRefusedUp({ kind, action }: Hook, pull: SettledPull | undefined): string | undefined {
  if (kind !== "command" || action !== "up" || pull?.record.phase !== "none" || pull.waits) return undefined;
  return "This pull request has no preview: it is closed, or no mapping document matches it.";
}

interface Done {
  readonly events: readonly HookEvent[];
  /** Why no rule applied. */
  readonly refused: string | undefined;
  readonly waits: boolean;
}

function toOutcome(hook: Hook, { events, refused, waits }: Done): HookOutcome {
  if (events.length > 0) return { kind: "events", events, ...defined({ reason: refused }) };
  if (refused !== undefined) return { kind: "refused", reason: refused };
  const head = hook.pull?.head;
  const advice = `Look at it, then comment "/preview trust ${head}".`;
  if (waits) return { kind: "waits-for-trust", reason: `The head ${head} of a fork is not trusted. ${advice}` };
  return { kind: "nothing" };
}

interface Decided {
  /** With the facts that were looked up. */
  readonly hook: Hook;
  readonly settled?: SettledPull;
}

/** Returns the report for the pull request. Without an outcome, a command is answered later. */
function toReport(queued: QueuedHook, outcome: HookOutcome | undefined, decided?: Decided): ReportRequest | undefined {
  const { hook, settled } = decided ?? { hook: queued.hook };
  const number = queued.pullNumber ?? hook.pull?.number;
  if (hook.repository === undefined || number === undefined) return undefined;
  const { id, fullName } = hook.repository;
  const answers = outcome !== undefined && isAnswered(hook, outcome) ? [toAnswer(queued, outcome)] : [];
  const isKnown = settled?.record.target !== undefined || settled?.waits === true;
  if (answers.length === 0 && !isKnown) return undefined;
  return {
    place: { repository: { id, fullName }, number },
    answers,
    ...(settled && { head: hook.pull?.head ?? "", isUntrusted: settled.waits }),
  };
}

function isAnswered({ kind, action }: Hook, outcome: HookOutcome): boolean {
  // A pull request that is read again and again is not answered again and again.
  return kind === "command" || (outcome.kind === "refused" && action !== CONVERGED);
}

function toAnswer({ id, hook, commentId }: QueuedHook, { kind, reason }: HookOutcome): CommandAnswer {
  const { action } = hook;
  const isDone = kind === "nothing" || action === "status";
  const isTaken =
    (kind === "events" && reason === undefined) ||
    (kind !== "refused" && kind !== "stale" && isDone && OWN_WORDS.has(action));
  const comment = defined({ commentId });
  if (isTaken) return { id, reaction: "+1", ...comment };
  const text = reason ?? `No rule of the mapping documents handles "/preview ${action}" here.`;
  return { id, reaction: "confused", text: `${hook.sender.name}: ${text}`, ...comment };
}

interface SettledPull {
  readonly kind: "settled";
  readonly record: PullRecord;
  readonly events: readonly HookEvent[];
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

async function followPull(deps: HandleDeps, queued: QueuedHook, hook: PullHook): Promise<SettledPull | HookOutcome> {
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
      return { kind: "settled", record, events, waits: applied.kind === "waits-for-trust" };
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
  await link(deps, { host, hook: withTrust(hook, record), mapping }, event);
}

/** Links the stack before its event is published: the stack of a pull request always has a link. */
async function link(deps: HandleDeps, from: Omit<LinkInput, "stackId">, { stackId, rule }: MappedEvent): Promise<void> {
  const fault = await linkStack(deps, { ...from, stackId });
  if (fault !== undefined) throw new HookFailed(`HOOK_FAILED: ${rule}: ${fault}`);
}

interface PullFact {
  readonly rule: string;
  readonly head: string;
  /** The version of the record of the decision: the same facts may recur, such as when a pull request is reopened. */
  readonly version: number;
}

function toPullEventId({ host, id, readAt }: QueuedHook, { rule, head, version }: PullFact): string {
  // An expired record starts again with the same versions.
  return readAt === undefined ? `${host}/${id}/pull.${rule}` : `${host}/${id}/${rule}/${head}.${readAt}.${version}`;
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
  const { stackId, rule } = event;
  const last = { id, stackId, at: deps.clock.now(), ...(isPullRule(rule) && { rule }) };
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

async function findMachine({ locator }: HandleDeps, { machine }: MappedEvent, mapping: string) {
  const found = await locator.find(machine);
  if (found.kind !== "unknown") return found;
  throw new HookFailed(`HOOK_FAILED: document ${mapping}: machine: Unknown machine "${machine}".`);
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

/** These run nothing from the newest head. */
const REMOVING: ReadonlySet<string> = new Set(["down", "sleep"]);

/** Replaces an untrusted head by the running one for commands that stop it: anyone with write permission may. */
function toRunning(hook: Hook, record: PullRecord | undefined): Hook {
  const { kind, action, sender, pull } = hook;
  const head = record?.phase === "open" ? record.head : undefined;
  const mayStop = kind === "command" && REMOVING.has(action) && hasPermission(sender.permission, "write");
  return mayStop && pull?.fork && head !== undefined ? { ...hook, pull: { ...pull, head } } : hook;
}

async function publishRules(
  deps: HandleDeps,
  { host, id }: QueuedHook,
  hook: Hook,
  record: PullRecord | undefined,
): Promise<Pick<Done, "events" | "refused">> {
  const nothing = { events: [], refused: undefined };
  const mapped = withTrust(toRunning(hook, record), record);
  const found = findMapping(deps.mappings, host, mapped);
  if (found === undefined) return nothing;
  if (found.kind === "failed") throw new HookFailed(`${found.code}: ${found.reason}`);
  const { mapping } = found.match;
  if (waitsForTrust(mapped, mapping)) return nothing;
  const applied = applyRules(found.match, mapped);
  if (applied.kind === "failed") throw new HookFailed(`${applied.code}: ${applied.reason}`);
  if (applied.events.length === 0) return { events: [], refused: formatNeeded(applied.lacking, hook) };
  const rival = await findRival(deps, { host, hook, stackId: found.match.stackId });
  if (rival !== undefined) return { events: [], refused: rival };
  const published: HookEvent[] = [];
  for (const event of applied.events) {
    await findMachine(deps, event, mapping.name);
    const eventId = `${host}/${id}/${event.rule}`;
    if (hook.pull?.state === "open") await link(deps, { host, hook: mapped, mapping }, event);
    await publish(deps, { ...event, id: eventId }, toUser(deps, host, hook));
    published.push({ id: eventId, stackId: event.stackId, event: event.event, rule: event.rule });
  }
  return { events: published, refused: undefined };
}

function formatNeeded([needed]: readonly HostPermission[], hook: Hook): string | undefined {
  return needed && formatLacking(hook, needed);
}

function waitsForTrust({ pull }: Hook, { forks }: Mapping): boolean {
  const isTrusted = pull !== undefined && "trusted" in pull && pull.trusted === true;
  return pull?.fork === true && !isTrusted && forks !== "allow";
}

async function publish(
  deps: HandleDeps,
  event: MappedEvent & { readonly id: string },
  user: ServiceUser,
): Promise<void> {
  const { id, stackId, machine, metadata } = event;
  const result = await deps.publish({ id, stackId, machine, event: event.event, metadata }, user);
  if (result.kind === "invalid") throw new HookFailed(`HOOK_FAILED: ${event.rule}: ${result.reason}`);
}

function toUser({ findPerson }: HandleDeps, host: string, { action, sender, pull }: Hook): ServiceUser {
  // The latest editor of a pull request that was read is unknown; most likely its author.
  const by = action === CONVERGED ? { id: pull?.authorId ?? "", name: pull?.author ?? "" } : sender;
  const subject = findPerson(host, by)?.subject;
  return { id: `${host}/${sender.id}`, name: sender.name, ...defined({ subject }) };
}
