import { stepOfRaised } from "../aggregate/apply-inputs.ts";
import { type IncarnationEvent, type ReplayedEvent, replayIncarnation } from "../aggregate/replay-incarnation.ts";
import { listPages } from "../list-pages.ts";
import { findNotedLeft } from "../machine/decide/left-behind.ts";
import { WITHOUT_APPROVAL } from "../machine/decide/operator-events.ts";
import type { DecideLimits } from "../machine/decide/work.ts";
import { APPROVAL_EVENTS, RESULT_EVENTS, type StackEvent, SYSTEM_EVENTS } from "../machine/event-message.ts";
import { defined, isMap } from "../machine/json.ts";
import type { Machine, MetadataRule } from "../machine/machine.ts";
import { MASK } from "../machine/secrets.ts";
import type { Stack } from "../machine/stack.ts";
import type { HistoryEntry, StoredHistoryEntry } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";

/** A stack as it was after a line of its history. */
export interface StackAt {
  readonly line: StoredHistoryEntry;
  /** The stack; undefined when it did not exist, or when the history is incomplete. */
  readonly stack: Stack | undefined;
  /** Why the stack may have been otherwise, or is missing. */
  readonly incomplete?: string;
}

interface StackAtDeps {
  readonly store: Pick<Store, "queries">;
  readonly findRevision: (hash: string) => Promise<Machine | undefined>;
  /** Those of the engine that has decided the lines. */
  readonly limits: DecideLimits;
}

/** Longer histories are not replayed. */
const MOST_LINES = 10_000;
const PAGE = 1_000;

/**
 * Finds a stack at a position; see `Planner`. The lines are replayed on the revisions that decided them; only timers
 * that fired then fire again.
 */
export async function findStackAt(
  deps: StackAtDeps,
  { stackId, position }: { readonly stackId: string; readonly position: number },
): Promise<StackAt | undefined> {
  const { lines, isCut } = await readBack(deps, stackId, position);
  const line = lines.at(-1);
  if (line === undefined) return undefined;
  if (line.outcome === "removed" || line.to === undefined) return { line, stack: undefined };
  const begin = lines.findLastIndex(isBeginning);
  if (begin >= 0) return replay(deps, lines.slice(begin), findParked(lines.slice(0, begin)));
  const oldest = new Date(lines[0]?.at ?? line.at).toISOString();
  const incomplete = isCut
    ? `The stack has more than ${MOST_LINES} lines of history up to there, too many to replay.`
    : `The history begins at ${oldest}, after the creation of the stack.`;
  return { line, stack: undefined, incomplete };
}

/** Reads the lines up to a position, oldest first, back to the end of the previous incarnation. */
async function readBack({ store }: StackAtDeps, stackId: string, position: number) {
  const lines: StoredHistoryEntry[] = [];
  const pages = listPages(({ cursor = String(position + 1) }) =>
    store.queries.listHistory({ stackId, newestFirst: true }, { limit: PAGE, cursor }),
  );
  for await (const { items } of pages) {
    for (const line of items) {
      if (line.outcome === "removed" && lines.length > 0) return { lines: lines.reverse(), isCut: false };
      if (lines.length === MOST_LINES) return { lines: lines.reverse(), isCut: true };
      lines.push(line);
    }
  }
  return { lines: lines.reverse(), isCut: false };
}

function isBeginning({ outcome, from, to }: StoredHistoryEntry): boolean {
  return outcome === "applied" && from === undefined && to !== undefined;
}

/** Returns the lines of events that waited for the stack when it was created. */
function findParked(lines: readonly StoredHistoryEntry[]): readonly StoredHistoryEntry[] {
  const parked = new Map<string, StoredHistoryEntry>();
  for (const line of lines) {
    if (line.outcome === "parked") parked.set(line.eventId, line);
    else parked.delete(line.eventId);
  }
  return [...parked.values()];
}

async function replay(
  deps: StackAtDeps,
  lines: readonly StoredHistoryEntry[],
  parked: readonly StoredHistoryEntry[],
): Promise<StackAt | undefined> {
  const line = lines.at(-1);
  if (line === undefined) return undefined;
  const replayed = lines.filter(isReplayed);
  const { machines, missing } = await loadMachines(deps, replayed);
  const [machine] = machines;
  if (machine === undefined || missing !== undefined) {
    const incomplete = `The revision ${(missing ?? "").slice(0, 12)} that decided it is not stored, or does not compile any more.`;
    return { line, stack: undefined, incomplete };
  }
  const incarnation = replayed.map(toIncarnationEvent);
  const { stack, differences } = replayIncarnation({
    machine,
    machineAt: (place) => machines[place] ?? machine,
    incarnation,
    parked: parked.map(toReplayEvent),
    limits: deps.limits,
  });
  const [first] = differences;
  if (first === undefined) return { line, stack };
  const where = replayed[first.place ?? 0]?.position ?? line.position;
  return { line, stack, incomplete: `The replay differs from the history from position ${where} on.` };
}

/**
 * Returns true for a line that is replayed. Unlike the plan of an upgrade, a replay follows the upgrades of the stack.
 */
function isReplayed(line: StoredHistoryEntry): boolean {
  const isUpgrade = line.event === SYSTEM_EVENTS.upgradeStack && line.outcome === "applied";
  return isUpgrade || !isPassedOver(line);
}

/**
 * Loads the revision of each line; a line without a revision has that of the line before. `missing`: an unknown hash.
 */
async function loadMachines({ findRevision }: StackAtDeps, lines: readonly StoredHistoryEntry[]) {
  const secretKeys = [...new Set(lines.flatMap(({ metadata }) => listHidden(metadata)))];
  const known = new Map<string, Machine>();
  const machines: Machine[] = [];
  for (const { machineHash } of lines) {
    const last = machines.at(-1);
    const hash = machineHash ?? last?.hash ?? "";
    const found = known.get(hash) ?? (await findRevision(hash));
    if (found === undefined) return { machines, missing: hash };
    const machine = known.get(hash) ?? relaxSecrets(found, secretKeys);
    known.set(hash, machine);
    machines.push(machine);
  }
  return { machines, missing: undefined };
}

function listHidden(metadata: unknown): readonly string[] {
  return isMap(metadata) ? Object.keys(metadata).filter((key) => isHidden(metadata[key])) : [];
}

/**
 * Returns true for lines about the machine instead of the stack, and for lines whose event is not complete in the
 * history.
 */
export function isPassedOver({ event, code = "", outcome, metadata }: StoredHistoryEntry): boolean {
  if (event === SYSTEM_EVENTS.upgradeStack) return true;
  if (outcome === "applied" || outcome === "removed") return false;
  return UNJUDGED.has(code) || (code === "METADATA_INVALID" && JSON.stringify(metadata ?? null).includes('"***"'));
}

const UNJUDGED: ReadonlySet<string> = new Set([
  ...["DUPLICATE", "STACK_UNKNOWN", "MACHINE_MISMATCH", "MACHINE_UNKNOWN", "MACHINE_INVALID", "STATE_UNKNOWN"],
  ...["EVENT_INVALID", "EVENT_RESERVED", "CREDENTIAL_ENDED", "INTERNAL"],
  // The history does not contain the groups of a sender.
  ...["NOT_ALLOWED", "APPROVAL_REPEATED", "COMMENT_REQUIRED"],
  // Nor the versions that releases have examined, and the plans of senders.
  ...["STACK_CHANGED", "EVENT_EXPIRED", "PLAN_STALE"],
]);

/** Returns a history line as a replay takes it. */
export function toIncarnationEvent(line: StoredHistoryEntry): IncarnationEvent {
  const left = findNotedLeft(line.notes);
  return { event: toReplayEvent(line), did: toBefore(line), ...(left.length > 0 && { left }) };
}

/** Returns the effect of an event according to its line. */
export function toBefore({ outcome, code, to, sent }: StoredHistoryEntry): ReplayedEvent {
  if (outcome === "removed") return { outcome, state: null, sent };
  if (outcome === "applied") return { outcome, state: to ?? null, sent };
  const told = outcome === "ignored" ? outcome : "refused";
  return { outcome: told, ...defined({ code }), state: to ?? null, sent };
}

/** Returns the event of a history line. A sensitive value is replaced by the text of its reference. */
export function toReplayEvent(entry: HistoryEntry): StackEvent {
  const { stackId, at, event: name, eventId: id, task, description, retryable, actor, reason, timer, raisedBy } = entry;
  const { unwatchedMs } = entry;
  return {
    id,
    stackId,
    name,
    at,
    origin: findOrigin(entry),
    ...defined({ description, retryable, actor, reason, timerId: timer, unwatchedMs }),
    ...defined({
      task: task === undefined ? undefined : { name: task },
      dispatchId: entry.dispatchId ?? findDispatchId(entry),
      metadata: toPlain(entry.metadata),
      commit: entry.commit,
      // The code of a line that was applied is that of the task's failure, else that of the refusal.
      code: isApplied(entry) ? entry.code : undefined,
      confirm: entry.confirmed ? stackId : undefined,
      raised: raisedBy === undefined ? undefined : { eventId: raisedBy, step: stepOfRaised(id) },
      isAllowed: APPROVAL_EVENTS.has(name) && isApplied(entry) ? (true as const) : undefined,
    }),
    ...toOutputs(entry),
    ...toRelease(entry),
    ...OPERATORS_FIELDS.get(name),
    ...(entry.notes.some((note) => note.endsWith(WITHOUT_APPROVAL)) && { approval: true, own: true }),
  };
}

/** Fields that these events require and that no other event may have. */
const OPERATORS_FIELDS: ReadonlyMap<string, Partial<StackEvent>> = new Map<string, Partial<StackEvent>>([
  [SYSTEM_EVENTS.settleTask, { as: "succeeded" }],
  [SYSTEM_EVENTS.removeStack, { force: true }],
]);

function toOutputs({ outputs }: HistoryEntry): Partial<StackEvent> {
  if (!isMap(outputs)) return {};
  const sensitiveOutputs = Object.keys(outputs).filter((key) => isHidden(outputs[key]));
  return { outputs: Object.fromEntries(Object.entries(outputs).map(toPlainEntry)), sensitiveOutputs };
}

function toRelease({ release }: HistoryEntry): Partial<StackEvent> {
  if (release === undefined) return {};
  const { id, machine, ...note } = release;
  return { release: note, sender: { kind: "stack", id, name: id, groups: [], machine } };
}

/** Matches the ids of events that stores and workers create for an attempt: a prefix and the id of the attempt. */
const ANSWER_ID = /^(?:result|cancelled|deadline|cancel):(.+)$/s;

function findDispatchId({ event, eventId, internal }: HistoryEntry): string | undefined {
  return internal && RESULT_EVENTS.has(event) ? ANSWER_ID.exec(eventId)?.[1] : undefined;
}

function findOrigin(entry: HistoryEntry): StackEvent["origin"] {
  if (entry.timer !== undefined) return "timer";
  if (entry.raisedBy !== undefined) return "engine";
  if (entry.release !== undefined) return "stack";
  return findDispatchId(entry) === undefined ? "external" : "worker";
}

function isApplied({ outcome }: HistoryEntry): boolean {
  return outcome === "applied" || outcome === "removed";
}

/** Returns true for a value that a line does not show. */
function isHidden(value: unknown): boolean {
  return value === MASK || (isMap(value) && typeof value["$secret"] === "string");
}

function toPlain(value: unknown): unknown {
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(toPlainEntry)) : value;
}

function toPlainEntry([key, value]: [string, unknown]): [string, unknown] {
  return [key, isMap(value) && typeof value["$secret"] === "string" ? value["$secret"] : value];
}

/**
 * Returns the machine for a replay, in which sensitive keys accept any value and remain sensitive. The history contains
 * references instead of sensitive values. They match no type, pattern or range, and each new value of a key has another
 * reference.
 */
export function relaxSecrets(machine: Machine, secretKeys: readonly string[]): Machine {
  const { keys } = machine.metadata;
  const relaxed = new Map<string, MetadataRule>();
  for (const [key, rule] of keys) relaxed.set(key, isSecret(key, rule, secretKeys) ? relax(rule) : rule);
  return { ...machine, metadata: { ...machine.metadata, keys: relaxed } };
}

function isSecret(key: string, { sensitive }: MetadataRule, secretKeys: readonly string[]): boolean {
  return sensitive || secretKeys.includes(key);
}

function relax({ type, pattern, enum: _, minimum, maximum, immutable, ...rule }: MetadataRule): MetadataRule {
  return { ...rule, immutable: false };
}
