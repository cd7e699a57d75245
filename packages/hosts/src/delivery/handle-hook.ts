import { defined } from "@stackyard/core";
import { forgetPullFault, type HookEvent, type HookOutcome, notePullFault } from "@stackyard/core/services";
import { isFor, type PullHook } from "../mapping/apply-mapping.ts";
import { CONVERGED } from "../poll/converge.ts";
import { followPull, type SettledPull } from "../pull/follow-pull.ts";
import type { CommandAnswer, ReportRequest } from "../report/report-records.ts";
import { approveByComment } from "./approve-by-comment.ts";
import { findEffect } from "./command-effect.ts";
import type { Hook } from "./hook.ts";
import { HookFailed, HookUndecided } from "./hook-errors.ts";
import { lookUp, OWN_WORDS } from "./look-up.ts";
import { lookUpRef } from "./look-up-ref.ts";
import type { HandleDeps } from "./publish-event.ts";
import type { QueuedHook } from "./receive.ts";
import { noteRef } from "./ref-records.ts";
import { publishRules, remember, retryPush, retryRules } from "./rule-events.ts";

/** The result of handling a delivery. */
export interface HandledHook {
  /** The outcome; undefined while the yard has not decided about the events of a command, which are `published`. */
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
  if (queued.hook.kind === "group") return { outcome: NOTHING, ...defined({ report: toGroupReport(queued) }) };
  if (queued.published !== undefined) return answerCommand(deps, queued, queued.published);
  const looked = await (isMappedPush(deps, queued) ? lookUpRef(deps, queued) : lookUp(deps, queued));
  if (looked.kind !== "hook") return { outcome: looked, ...defined({ report: toReport(deps, queued, looked) }) };
  const { hook, isBehind = false, again } = looked;
  if (hook.kind === "push") return decidePush(deps, queued, { hook, ...defined({ again }) });
  if (hook.kind === "command" && hook.action === "approve" && hook.pull !== undefined) {
    const outcome = await approve(deps, queued, { ...hook, pull: hook.pull });
    return { outcome, ...defined({ report: toReport(deps, queued, outcome) }) };
  }
  const handled = await decideOrRemember(deps, queued, hook);
  // Facts that are older than what was decided on come from an API that is behind.
  const isStale = handled.outcome?.kind === "stale" && deps.codeHost !== undefined && queued.readAt === undefined;
  return isBehind || isStale ? { ...handled, isBehind: true } : handled;
}

const NOTHING: HookOutcome = { kind: "nothing" };

/** A group of a merge queue gets the verdict about its pull request. */
function toGroupReport({ hook: { repository, group }, pullNumber: number }: QueuedHook): ReportRequest | undefined {
  if (repository === undefined || number === undefined || group === undefined) return undefined;
  const { id, fullName } = repository;
  return { place: { repository: { id, fullName }, number }, answers: [], group };
}

/** Publishes the events of a push, or sends those again that the yard has refused. */
async function decidePush(
  deps: HandleDeps,
  queued: QueuedHook,
  { hook, again }: { readonly hook: Hook; readonly again?: readonly HookEvent[] },
): Promise<HandledHook> {
  const found = again && (await retryPush(deps, queued, { hook, events: again }));
  const rules = found ?? (await publishRules(deps, queued, { hook, record: undefined }));
  const kept = found?.kept ?? rules.events;
  if (rules.events.length > 0 || found !== undefined) await noteRef(deps, queued, { hook, events: kept });
  if (rules.stale !== undefined) return { outcome: { kind: "stale", reason: `HOOK_STALE: ${rules.stale}` } };
  return { outcome: toOutcome(hook, { events: rules.events, refused: rules.refused, waits: false }) };
}

/** Returns true for a push that a document may have rules for; the host is not asked about others. */
function isMappedPush({ mappings }: HandleDeps, { host, hook }: QueuedHook): boolean {
  return hook.kind === "push" && mappings.some((each) => each.host === host && isFor(each, hook));
}

async function decideOrRemember(deps: HandleDeps, queued: QueuedHook, hook: Hook): Promise<HandledHook> {
  try {
    return await decideHook(deps, queued, hook);
  } catch (error) {
    if (error instanceof HookFailed) await remember(deps, queued, { hook });
    throw error;
  }
}

async function decideHook(deps: HandleDeps, queued: QueuedHook, hook: Hook): Promise<HandledHook> {
  const pull = hook.pull === undefined ? undefined : await followPull(deps, queued, { ...hook, pull: hook.pull });
  if (pull !== undefined && pull.kind !== "settled") {
    return { outcome: pull, ...defined({ report: toReport(deps, queued, pull, { hook }) }) };
  }
  const rules = await publishRules(deps, queued, { hook, record: pull?.record });
  const waiting = await retryRules(deps, queued, { hook, record: pull?.record });
  if (pull !== undefined) await noteFault(deps, pull, waiting);
  const events = [...(pull?.events ?? []), ...rules.events];
  if (events.length === 0 && rules.stale !== undefined) {
    const outcome: HookOutcome = { kind: "stale", reason: `HOOK_STALE: ${rules.stale}` };
    return {
      outcome,
      ...defined({ report: toReport(deps, queued, outcome, { hook, ...defined({ settled: pull }) }) }),
    };
  }
  const decided = { hook, ...defined({ settled: pull }) };
  if (hook.kind === "command" && events.length > 0) return answerCommand(deps, queued, events, decided);
  const refused = rules.refused ?? findRefusedUp(hook, pull);
  const outcome = toOutcome(hook, { events, refused, waits: pull?.waits === true });
  return { outcome, ...defined({ report: toReport(deps, queued, outcome, decided) }) };
}

/** Lists why the stack is not what its pull request needs; or that it is again. */
async function noteFault(
  deps: HandleDeps,
  { record: { target, last }, refused }: SettledPull,
  waiting: readonly string[],
): Promise<void> {
  const stackId = target?.stackId ?? last?.stackId;
  if (stackId === undefined) return;
  const reason = [refused, ...waiting].filter((each) => each !== undefined).join(" ");
  await (reason === ""
    ? forgetPullFault(deps, { stackId, kinds: ["refused", "unfollowed"] })
    : notePullFault(deps, { stackId, kind: "refused", reason }));
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
    return { outcome: undefined, published, ...defined({ report: toReport(deps, queued, undefined, decided) }) };
  }
  const reason = effect.kind === "undone" ? effect.reason : undefined;
  const outcome: HookOutcome = { kind: "events", events: published, ...defined({ reason }) };
  return { outcome, ...defined({ report: toReport(deps, queued, outcome, decided) }) };
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
  if (pull.refused !== undefined) return pull.refused;
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
  return NOTHING;
}

interface Decided {
  /** With the facts that were looked up. */
  readonly hook: Hook;
  readonly settled?: SettledPull;
}

/** Returns the report for the pull request. Without an outcome, a command is answered later. */
function toReport(
  deps: HandleDeps,
  queued: QueuedHook,
  outcome: HookOutcome | undefined,
  decided?: Decided,
): ReportRequest | undefined {
  const { hook, settled } = decided ?? { hook: queued.hook };
  const number = queued.pullNumber ?? hook.pull?.number;
  if (hook.repository === undefined || number === undefined) return undefined;
  const { id, fullName } = hook.repository;
  const answers = outcome !== undefined && isAnswered(hook, outcome) ? [toAnswer(queued, outcome)] : [];
  if (answers.length === 0 && !isReported(deps, settled)) return undefined;
  return {
    place: { repository: { id, fullName }, number },
    answers,
    ...(queued.isPress && { presses: [queued.id] }),
    ...(settled && { head: hook.pull?.head ?? "", isUntrusted: settled.waits }),
  };
}

/** Returns true for a pull request whose facts are known, with a stack, or where each one is reported to. */
function isReported({ summarizes }: HandleDeps, settled: SettledPull | undefined): boolean {
  return settled !== undefined && (summarizes || settled.record.target !== undefined || settled.waits);
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
