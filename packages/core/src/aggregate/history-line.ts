import { findPersonId } from "../access/by.ts";
import { toBroughtCommit } from "../machine/commit.ts";
import { type Decision, effectOf, sentBy } from "../machine/decide/decision.ts";
import {
  isSecretKey,
  listHiddenOutputs,
  listSecretValues,
  withQuotedOutputs,
} from "../machine/decide/stack-secrets.ts";
import { markOf } from "../machine/event-content.ts";
import { EventMessage, RESULT_EVENTS, type StackEvent, SYSTEM_EVENTS, toEventName } from "../machine/event-message.ts";
import { defined, isMap } from "../machine/json.ts";
import type { Machine } from "../machine/machine.ts";
import { createMaskText, maskTexts } from "../machine/mask-text.ts";
import { findSecretRef, isReference, MASK } from "../machine/secrets.ts";
import type { Stack } from "../machine/stack.ts";
import type { HistoryEntry, Outcome, QueuedEvent } from "../ports/stack-store.ts";
import { toHistoryRelease } from "./release-event.ts";

/** The input of a history line. */
interface HistoryLineInput {
  readonly event: StackEvent;
  readonly decision: Decision;
  readonly outcome: Outcome;
  readonly before: Stack | undefined;
  /** About the machine, such as that an older revision was used. */
  readonly notes: readonly string[];
  /** The machine of the decision; undefined when none was needed or found. */
  readonly machine: Machine | undefined;
}

/**
 * Returns the history line of a decision. It contains no sensitive value: references to stored ones, `***` for others.
 */
export function toHistoryEntry(given: HistoryLineInput): HistoryEntry {
  const input = withAnsweredTask(given);
  const { event, decision, outcome, before, notes } = input;
  const effect = effectOf(decision);
  const after = effect?.stack ?? before;
  const entry = {
    stackId: event.stackId,
    at: event.at,
    eventId: event.id,
    event: event.name,
    outcome,
    sent: effect === undefined ? [] : sentBy(effect),
    notes: [...notes, ...(effect?.notes ?? [])],
    ...defined({
      internal: event.origin === "external" ? undefined : (true as const),
      release: toHistoryRelease(event),
      incarnation: after?.incarnation,
      actor: event.actor,
      actorId: toPersonId(event),
      code: decision.kind === "applied" ? toFailureCode(event) : decision.code,
      reason: decision.kind === "applied" ? event.reason : decision.reason,
      from: before?.state,
      to: after?.state,
      task: event.task?.name,
      description: event.description,
      metadata: toMetadata(input, after),
      mark: toMark(input, after),
      machineHash: after?.machineHash,
      unfinished: effect?.unfinished,
      set: toSet(input),
      repeats: decision.kind === "ignored" ? decision.repeats : undefined,
      commit: event.commit,
      commits: effect?.commits,
    }),
    ...toReplayFields(input, after),
  };
  return maskEntry(entry, input, after);
}

/** Adds to a result event the task of its attempt, and masks the outputs that the machine declares sensitive. */
function withAnsweredTask(input: HistoryLineInput): HistoryLineInput {
  const { event, before, machine } = input;
  const run = before?.runs.find(({ attemptId }) => attemptId === event.dispatchId);
  const named = run === undefined ? event : { ...event, task: { name: run.task } };
  return { ...input, event: machine === undefined ? named : withQuotedOutputs(machine, before, named) };
}

/** Returns the mark of what a sender has sent, where the line does not show all of it. */
function toMark({ event, machine, before }: HistoryLineInput, after: Stack | undefined): string | undefined {
  const isHidden = findMaskedKeys({ metadata: event.metadata }, { machine, stack: after ?? before }) !== undefined;
  return event.origin === "external" && isHidden ? markOf(event) : undefined;
}

function toMetadata({ event, decision, machine, before }: HistoryLineInput, after: Stack | undefined): unknown {
  const masked = findMaskedKeys({ metadata: event.metadata }, { machine, stack: after ?? before });
  const isStored = decision.kind === "applied" && after !== undefined;
  return toPrintedMetadata(event.metadata, masked, (key) => {
    const ref = isStored ? findSecretRef(after, key) : undefined;
    return ref === undefined ? MASK : { $secret: ref };
  });
}

/** Characters of the JSON text of what the machine has set: one event may cause many lines, which are written together. */
const MAX_SET = 4_096;

/** Returns the metadata that the machine has changed, as far as a line has room for it. */
function toSet({ decision, machine }: HistoryLineInput): unknown {
  const effect = effectOf(decision);
  if (effect?.set === undefined) return undefined;
  const { stack, set } = effect;
  let size = 0;
  const fitting = set.flatMap((key) => {
    const entry = [key, stack.metadata[key] ?? null] as const;
    const next = size + JSON.stringify(entry).length;
    if (next > MAX_SET) return [];
    size = next;
    return [entry];
  });
  const metadata = Object.fromEntries(fitting);
  if (fitting.length === 0) return undefined;
  return toPrintedMetadata(metadata, findMaskedKeys({ metadata }, { machine, stack }));
}

/** Returns the fields that only a replay needs. Most lines have none of them. */
function toReplayFields({ event, machine }: HistoryLineInput, after: Stack | undefined): Partial<HistoryEntry> {
  const { origin, dispatchId, timerId, unwatchedMs, raised, confirm, stackId } = event;
  return {
    ...(origin === "external" && dispatchId !== undefined && { dispatchId }),
    ...defined({ timer: timerId, unwatchedMs }),
    ...(raised !== undefined && { raisedBy: raised.eventId }),
    ...(confirm !== undefined && confirm === stackId && { confirmed: true }),
    ...(machine?.semantics.outputsInHistory && toAnswerFields(event, machine, after)),
  };
}

function toAnswerFields(event: StackEvent, machine: Machine, after: Stack | undefined): Partial<HistoryEntry> {
  const { outputs, retryable, task } = event;
  const given = task === undefined ? undefined : after?.outputs?.[task.name];
  const printed = toPrintedMetadata(outputs, listHiddenOutputs(machine, event), (name) => toReference(given?.[name]));
  return defined({ outputs: printed, retryable });
}

/**
 * Returns a reference, or `***`: an earlier output of that name may still be there as plain text, and must not be shown
 * either.
 */
function toReference(kept: unknown): unknown {
  return isReference(kept) ? kept : MASK;
}

/** Masks secrets of the stack or of the event that free text may quote: the code of a failed task is free text too. */
function maskEntry(entry: HistoryEntry, { event, before, machine }: HistoryLineInput, after: Stack | undefined) {
  const values = listSecretValues(machine, [before, after], event);
  if (values.length === 0) return entry;
  const mask = createMaskText(values);
  const { code, reason, description, notes } = entry;
  const isOwn = code !== event.code;
  return {
    ...entry,
    ...defined({
      code: isOwn ? code : code && mask(code),
      reason: reason && mask(reason),
      description: description && mask(description),
    }),
    notes: notes.map(mask),
  };
}

/** Returns the id of the person who has sent an event: several people may have one name. Undefined for other senders. */
export function toPersonId({ sender }: Pick<StackEvent, "sender">): string | undefined {
  return sender && findPersonId(sender);
}

/** Returns the code of a failed task, or of what a worker has left undone. */
function toFailureCode({ name, origin, code }: StackEvent): string | undefined {
  const isShort = name === SYSTEM_EVENTS.taskCompleted && origin === "worker";
  return isShort || name === SYSTEM_EVENTS.taskError ? code : undefined;
}

/** Returns the history line of an event without a decision: its message is invalid, or the decision failed. */
export function toUnreadEntry(
  { stackId, id, origin, actor, message, timerId, raised, ...sent }: QueuedEvent,
  why: { readonly code: string; readonly reason: string; readonly outcome: Outcome; readonly at: number },
): HistoryEntry {
  const { at, outcome, code, reason } = why;
  const event = toEventName(message) ?? "";
  const { metadata, confirm, commit } = message;
  const isHidden = origin === "external" && metadata !== undefined;
  return {
    stackId,
    at,
    eventId: id,
    event,
    outcome,
    code,
    reason,
    sent: [],
    notes: [],
    ...defined({
      internal: origin === "external" ? undefined : (true as const),
      release: toHistoryRelease(sent),
      actor,
      actorId: toPersonId(sent),
      commit: toBroughtCommit(commit),
      mark: isHidden ? markOf({ name: event, metadata, ...(typeof confirm === "string" && { confirm }) }) : undefined,
      timer: timerId,
      raisedBy: raised?.eventId,
    }),
  };
}

/** Keys of an event's metadata that must not be shown; `all` without a machine that declares them. */
export type MaskedKeys = readonly string[] | "all";

/**
 * Returns the keys of an event's metadata that must not be shown: those that its machine declares sensitive, or that
 * the stack stores as sensitive. Without a machine, every key may be sensitive. Undefined when all can be shown.
 */
export function findMaskedKeys(
  { metadata, outputs }: Pick<StackEvent, "metadata" | "outputs">,
  { machine, stack }: { readonly machine: Machine | undefined; readonly stack: Stack | undefined },
): MaskedKeys | undefined {
  if (machine === undefined) return metadata === undefined && outputs === undefined ? undefined : "all";
  if (metadata === undefined || metadata === null) return undefined;
  const isSensitive = findSecretKeys(machine, stack);
  if (isSensitive === undefined) return undefined;
  // Metadata that is not a flat map was refused, and may contain a secret anywhere.
  if (!isMap(metadata)) return "all";
  const masked = Object.entries(metadata).flatMap(([key, value]) => {
    return isSensitive(key) || (typeof value === "object" && value !== null) ? [key] : [];
  });
  return masked.length === 0 ? undefined : masked;
}

/**
 * Returns the masked keys of a refused event. As `findMaskedKeys`, but a refused result is masked entirely when
 * anything is sensitive: which of its outputs are sensitive was not evaluated, and its texts may quote them.
 */
export function findRefusedKeys(
  event: StackEvent,
  places: { readonly machine: Machine | undefined; readonly stack: Stack | undefined },
): MaskedKeys | undefined {
  return RESULT_EVENTS.has(event.name) && mayHide(event, places) ? "all" : findMaskedKeys(event, places);
}

function mayHide(
  { sensitiveOutputs = [] }: StackEvent,
  { machine, stack }: { readonly machine: Machine | undefined; readonly stack: Stack | undefined },
): boolean {
  if (machine === undefined || sensitiveOutputs.length > 0 || stack?.keptSecrets !== undefined) return true;
  return findSecretKeys(machine, stack) !== undefined;
}

/** Returns the test for sensitive keys; undefined when no key is sensitive. */
function findSecretKeys(machine: Machine, stack: Stack | undefined): ((key: string) => boolean) | undefined {
  const versions = stack?.secretVersions ?? {};
  const isDeclared = [...machine.metadata.keys.values()].some(({ sensitive }) => sensitive);
  if (!isDeclared && Object.keys(versions).length === 0) return undefined;
  return (key) => isSecretKey(machine, stack === undefined ? [] : [stack], key);
}

/** Returns metadata for display. `show` may replace a sensitive value by something other than `***`. */
export function toPrintedMetadata(
  metadata: unknown,
  masked: MaskedKeys | undefined,
  show: (key: string) => unknown = () => MASK,
): unknown {
  if (masked === undefined || metadata === undefined || metadata === null) return metadata;
  if (!isMap(metadata)) return MASK;
  const printed = Object.entries(metadata).map(([key, value]) => {
    const isMasked = value !== null && (masked === "all" || masked.includes(key));
    return [key, isMasked ? show(key) : value] as const;
  });
  return Object.fromEntries(printed);
}

/** Keys of a message that identify it. The other keys of an invalid message may contain anything. */
const PLAIN_KEYS: ReadonlySet<string> = new Set([
  ...["id", "stackId", "event", "action", "machine", "dispatchId", "code", "retryable"],
  ...["actor", "reason", "as", "force", "to", "confirm", "plan", "sensitiveOutputs"],
]);

/** Returns an event's message for display: as received, without sensitive metadata and outputs. */
export function toPrintedMessage(
  message: Readonly<Record<string, unknown>>,
  masked: MaskedKeys | undefined,
): Readonly<Record<string, unknown>> {
  const { sensitiveOutputs } = message;
  const hidden = Array.isArray(sensitiveOutputs) ? sensitiveOutputs.filter((name) => typeof name === "string") : [];
  const printed = Object.entries(message).map(([key, value]) => {
    if (key === "metadata") return [key, toPrintedMetadata(value, masked)] as const;
    if (key === "outputs") return [key, toPrintedMetadata(value, masked === "all" ? masked : hidden)] as const;
    const isOpen = masked !== "all" || PLAIN_KEYS.has(key) || key === "task" || isCommit(key, value);
    return [key, isOpen ? value : maskWhole(value)] as const;
  });
  return Object.fromEntries(printed);
}

/** Returns true for the commit of a message, which is checked: one with anything else in it may contain anything. */
function isCommit(key: string, value: unknown): boolean {
  return key === "commit" && toBroughtCommit(value) !== undefined && isMap(value) && Object.keys(value).length === 2;
}

/** Returns the values of an event's metadata and outputs that must not be shown. */
export function listHiddenValues(
  { metadata, outputs }: Readonly<Record<string, unknown>>,
  masked: MaskedKeys | undefined,
): readonly unknown[] {
  if (masked === undefined) return [];
  const given = [
    ...(isMap(metadata) ? Object.entries(metadata) : []),
    ...(isMap(outputs) ? Object.entries(outputs) : []),
  ];
  return given.flatMap(([key, value]) => (masked === "all" || masked.includes(key) ? [value] : []));
}

/** Keys of a message that decisions depend on; its commit only where it is one. */
const DECISIVE: ReadonlySet<string> = new Set(
  Object.keys(EventMessage.properties).filter((key) => key !== "reason" && key !== "description" && key !== "commit"),
);

/**
 * Returns a message without these values in what people write for people: its reason, its description, and keys that events
 * do not have. Returns the same message when there is nothing to mask.
 */
export function maskFreeTexts(
  message: Readonly<Record<string, unknown>>,
  values: readonly unknown[],
): Readonly<Record<string, unknown>> {
  const free = Object.entries(message).filter(([key, value]) => !DECISIVE.has(key) && !isCommit(key, value));
  if (values.length === 0 || free.length === 0) return message;
  const mask = createMaskText(values);
  return { ...message, ...Object.fromEntries(free.map(([key, value]) => [key, maskTexts(mask, value)])) };
}

/** Masks all values but keeps the shape, so that a reader can find the fault in it. */
function maskWhole(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskWhole);
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskWhole(inner)]));
  return value === null || typeof value === "boolean" ? value : MASK;
}
