import { type Absence, cutText, defined, type Stack, sumUnwatched } from "@stackyard/core";
import { evaluateArrival, evaluateDeed, isResting } from "@stackyard/core/engine";
import type { Before, DeployRow, DeployState, SetBy, Value } from "./deploy-row.ts";

/** The fate of the last event of a row. `none`: nothing was sent since the row waits. */
export type EventFate =
  | { readonly kind: "none" }
  | { readonly kind: "undecided" }
  | { readonly kind: "applied" }
  | { readonly kind: "refused"; readonly code: string; readonly reason: string };

/** A stack as it was loaded after the fate of its event was known. */
export interface Observed {
  /** The stack, or undefined if it does not exist or is hidden. */
  readonly stack: Stack | undefined;
  /** It exists, and the release may not read it. */
  readonly hidden?: true;
  /** 0 for a stack that does not exist. */
  readonly version: number;
  /** The id of the row's last event. */
  readonly eventId?: string;
  readonly fate: EventFate;
}

/** The aims of a task for its stacks. */
export interface Aims extends Pick<DeployState, "op" | "event" | "metadata" | "until" | "failed" | "isRule"> {
  readonly release: { readonly id: string; readonly createdAt: number };
  /** A missing stack is created. */
  readonly creates: boolean;
  /** Send to stacks that have the values already. */
  readonly again: boolean;
  readonly eachMs: number;
  readonly now: number;
  /** When no worker looked. Default: none. */
  readonly absences?: readonly Absence[];
}

/** An event is valid for so long. */
export const EVENT_MS = 120_000;

/** Clocks of processes may differ by so much: only then an undecided event counts as expired. */
const CLOCKS_MS = 60_000;

/**
 * Returns the row of a stack after it was observed; the same row when nothing has changed. Pure. A row that may be sent
 * to now is `waiting` without a code, with the version that was observed and what was before. A stack that has the values
 * already gets an event that only notes the release: an older one must not pass it, nor an undo of that.
 */
export function decideRow(row: DeployRow, observed: Observed, aims: Aims): DeployRow {
  if (row.state === "waiting") return decideWaiting(row, observed, aims);
  return row.state === "sent" ? followEvent(row, observed, aims) : row;
}

function decideWaiting(row: DeployRow, observed: Observed, aims: Aims): DeployRow {
  const { stack, version } = observed;
  if (stack === undefined) return decideMissing(row, observed, aims);
  if (row.incarnation !== undefined && row.incarnation !== stack.incarnation) return moved(row, aims, RECREATED);
  const rules = ROW_RULES[aims.op];
  const newer = rules.findNewer(stack, aims);
  if (newer !== undefined) return passBy(row, aims, newer);
  if (!isResting(stack)) return hold(row, aims, { code: "STACK_MOVING", message: describeWork(stack) });
  if (row.code === NOT_HANDLED && row.expect === version && isSoonMoved(stack, aims)) return row;
  if (rules.isForeign(row, stack, aims)) return notOurs(row, stack, aims);
  return compare(rules.toOwned(row, stack, aims), { stack, version }, aims);
}

/** A stack that has the values already needs no event but that of its release. */
function compare(row: DeployRow, { stack, version }: Compared, aims: Aims): DeployRow {
  if (evaluateArrival(stack, toWanted(row, aims)).kind !== "arrived") return ready(row, { stack, version }, aims);
  if (ROW_RULES[aims.op].needsNothing(row, stack, aims))
    return arrive({ ...row, incarnation: stack.incarnation }, stack, aims);
  const sendable = ready(row, { stack, version }, aims);
  return aims.again ? sendable : { ...sendable, onlyNotes: true };
}

function toWanted(row: DeployRow, aims: Aims) {
  const { until, failed } = aims;
  return { until, failed, metadata: ROW_RULES[aims.op].toValues(row, aims) };
}

interface Compared {
  readonly stack: Stack;
  readonly version: number;
}

function arrive({ restedAt: _, ...row }: DeployRow, stack: Stack, aims: Aims): DeployRow {
  const state = ROW_RULES[aims.op].toArrival(row);
  const restedAt = state === "unchanged" ? findRestedAt(stack, aims) : undefined;
  return { ...end(row, aims, { state }), ...defined({ restedAt }) };
}

/** Returns when the work with the values was done; undefined: it is not known. */
function findRestedAt(stack: Stack, { metadata }: Aims): number | undefined {
  const instants = Object.keys(metadata).flatMap((key) => {
    const verdict = evaluateDeed(stack, key);
    return verdict.kind === "unknown" || verdict.deed.restedAt === undefined ? [] : [verdict.deed.restedAt];
  });
  return instants.length === 0 ? undefined : Math.max(...instants);
}

function decideMissing(row: DeployRow, observed: Observed, aims: Aims): DeployRow {
  const mayBeCreated = aims.creates && row.incarnation === undefined;
  return mayBeCreated ? ready(row, observed, aims) : lost(row, observed, aims);
}

/** The row of a stack that is not there, or may not be read any more: the latter must not count as removed. */
function lost(row: DeployRow, { hidden }: Pick<Observed, "hidden">, aims: Aims): DeployRow {
  const wasRead = row.incarnation !== undefined || row.try > 0;
  if (!hidden || !wasRead) return gone(row, aims);
  const advice = `Grant its machine the role "viewer" for the stack again.`;
  const message = `This release may no longer read the stack, so it is not known what runs there. ${advice}`;
  return end(row, aims, { state: "failed", code: "STACK_HIDDEN", message });
}

function gone({ incarnation, ...row }: DeployRow, aims: Aims): DeployRow {
  const message = "The stack does not exist.";
  if (ROW_RULES[aims.op].skipsMissing(aims))
    return end(row, aims, { state: "skipped", code: "STACK_REMOVED", message });
  return end(row, aims, { state: "failed", code: "STACK_MISSING", message: `${message} Create it, or add create.` });
}

/**
 * The row before its event is sent. While the stack has applied none, what was before it may change: a refused event is
 * not the first.
 */
function ready(row: DeployRow, { stack, version }: Pick<Observed, "stack" | "version">, aims: Aims): DeployRow {
  const { code, message, freeze, onlyNotes, ...rest } = row;
  const isKept = ROW_RULES[aims.op].keepsBefore(stack, aims);
  const from = (isKept ? row.from : undefined) ?? toBefore(stack, Object.keys(aims.metadata));
  return { ...rest, ...defined({ incarnation: stack?.incarnation }), from, expect: version };
}

function toBefore(stack: Stack | undefined, keys: readonly string[]): Readonly<Record<string, Before>> {
  const entries = keys.map((key) => {
    const value = stack?.metadata[key];
    const release = stack?.releases?.[key];
    const failed = stack !== undefined && evaluateDeed(stack, key).kind === "failed" ? (true as const) : undefined;
    return [key, defined({ value, release, failed })] as const;
  });
  return Object.fromEntries(entries);
}

function followEvent(row: DeployRow, observed: Observed, aims: Aims): DeployRow {
  const { fate, stack } = observed;
  switch (fate.kind) {
    case "none":
    case "undecided":
      return isExpired(row, aims) ? hold(row, aims, EXPIRED) : row;
    case "refused":
      return refuse(row, { code: fate.code, message: fate.reason }, { stack, aims });
    case "applied":
      return stack === undefined ? lost(row, observed, aims) : follow(row, { stack, eventId: observed.eventId }, aims);
  }
}

function isExpired({ sentAt = 0 }: DeployRow, { now }: Aims): boolean {
  return now > sentAt + EVENT_MS + CLOCKS_MS;
}

const EXPIRED = { code: "EVENT_EXPIRED", message: "The event was not decided in time." };

/** Codes of refusals after which the stack is observed and sent to again. */
const PASSING: ReadonlySet<string> = new Set(["STACK_CHANGED", "EVENT_EXPIRED"]);

const NOT_HANDLED = "EVENT_NOT_HANDLED";

/** A stack that is moved by timers only, and still refuses the event at this try, is not waited for. */
const MOST_TRIES = 5;

/** Returns true when a timer moves the stack within the time that it may take. */
function isSoonMoved({ timers }: Stack, { now, eachMs }: Aims): boolean {
  return timers.some(({ dueAt }) => dueAt <= now + eachMs);
}

interface Why {
  readonly code: string;
  readonly message: string;
  readonly freeze?: string;
}

function refuse(
  row: DeployRow,
  why: Why,
  { stack, aims }: { readonly stack: Stack | undefined; readonly aims: Aims },
): DeployRow {
  const isMoving = stack !== undefined && (!isResting(stack) || (row.try < MOST_TRIES && isSoonMoved(stack, aims)));
  if (PASSING.has(why.code) || (why.code === NOT_HANDLED && isMoving)) return hold(row, aims, why);
  const lesser = ROW_RULES[aims.op].toLesser(row, why);
  if (lesser !== undefined) return hold(lesser, aims, why);
  return why.code === "STACK_UNKNOWN" ? gone(row, aims) : end(row, aims, { state: "failed", ...why });
}

interface Applied {
  readonly stack: Stack;
  readonly eventId: string | undefined;
}

/** Follows a stack that has applied the event. */
function follow(given: DeployRow, { stack, eventId }: Applied, aims: Aims): DeployRow {
  // A stack is named after the event that has created it.
  if ((given.incarnation ?? eventId) !== stack.incarnation) return moved(given, aims, RECREATED);
  const row = given.incarnation === undefined ? { ...given, incarnation: stack.incarnation } : given;
  const rules = ROW_RULES[aims.op];
  const newer = rules.findNewer(stack, aims);
  if (newer !== undefined) return passBy(row, aims, newer);
  const standing = evaluateArrival(stack, toWanted(row, aims));
  if (standing.kind === "failed") {
    return end(row, aims, { state: "failed", code: standing.code, message: standing.message });
  }
  if (standing.kind === "moving") return timeOut(noteApprovals(row, stack, aims), stack, aims);
  if (standing.kind === "arrived") return arrive(row, stack, aims);
  if (standing.kind === "changed") return moved(row, aims, CHANGED);
  if (stack.timers.length > 0) return timeOut(noteApprovals(row, stack, aims), stack, aims);
  const message = `The stack rests in ${stack.state}, not in ${aims.until.join(" or ")}.`;
  return end(row, aims, { state: "failed", code: "STACK_ELSEWHERE", message });
}

/**
 * Returns the row of a stack that had arrived, as the stack is now: trouble since then counts as trouble on the way. What
 * moves, such as for a check, has not lost its place. Pure.
 */
export function decideArrived(row: DeployRow, observed: Observed, aims: Aims): DeployRow {
  const { stack } = observed;
  if (stack === undefined) return lost(row, observed, aims);
  const after = follow(row, { stack, eventId: undefined }, { ...aims, eachMs: Number.POSITIVE_INFINITY });
  return after.state === "failed" || after.state === "skipped" ? after : row;
}

const RECREATED = "The stack was removed, and created again.";
const CHANGED = "The stack has other values: they were changed since.";

function moved(row: DeployRow, aims: Aims, message: string): DeployRow {
  return end(row, aims, { state: "failed", code: "STACK_MOVED", message });
}

/** A stack of a rule that has something newer needs nothing of this release. */
function passBy(row: DeployRow, aims: Aims, message: string): DeployRow {
  return end(row, aims, { state: aims.isRule ? "skipped" : "failed", code: "NEWER_RELEASE", message });
}

function notOurs(row: DeployRow, stack: Stack, aims: Aims): DeployRow {
  const key = Object.keys(aims.metadata).find((each) => !isOwnKey(stack, aims, each)) ?? "";
  const by = stack.releases?.[key]?.id;
  const message = `${key} was changed since${by === undefined || by === aims.release.id ? "" : `, by ${by}`}.`;
  return end(row, aims, { state: "skipped", code: "STACK_MOVED", message });
}

/** Returns true when this release has set all mapped keys last, and they have its values. */
export function isOwn(stack: Stack, aims: Pick<Aims, "metadata" | "release">): boolean {
  return Object.keys(aims.metadata).every((key) => isOwnKey(stack, aims, key));
}

/** Returns true when this release has set any mapped key last, and the stack has its value. */
export function hasOwnKey(stack: Stack, aims: Pick<Aims, "metadata" | "release">): boolean {
  return Object.keys(aims.metadata).some((key) => isOwnKey(stack, aims, key));
}

/** Returns what an undo may change: keys with a value of the release, and those that it has restored itself. */
function pickOurs(row: DeployRow, stack: Stack, aims: Aims): Readonly<Record<string, Before>> {
  const entries = Object.entries(row.from ?? {});
  return Object.fromEntries(entries.filter(([key]) => isOwnKey(stack, aims, key) || isRestoredKey(row, stack, key)));
}

function isOwnKey(stack: Stack, aims: Pick<Aims, "metadata" | "release">, key: string): boolean {
  return isSetBy(stack, aims, key) && stack.metadata[key] === aims.metadata[key];
}

/** Returns true when the stack has applied an event of this undo: what was before is back, with its releases. */
function isRestored(row: DeployRow, stack: Stack): boolean {
  return Object.keys(row.from ?? {}).every((key) => isRestoredKey(row, stack, key));
}

function isRestoredKey({ try: tries, from = {} }: DeployRow, { metadata, releases }: Stack, key: string): boolean {
  const { value = null, release } = from[key] ?? {};
  return tries > 0 && (metadata[key] ?? null) === value && releases?.[key]?.event === release?.event;
}

/** Returns true when the stack has applied an event of this release, whatever its values are now. */
function hasApplied(stack: Stack, aims: Pick<Aims, "metadata" | "release">): boolean {
  return Object.keys(aims.metadata).some((key) => isSetBy(stack, aims, key));
}

function isSetBy({ releases }: Stack, { release }: Pick<Aims, "release">, key: string): boolean {
  const setBy = releases?.[key];
  return setBy?.id === release.id && setBy.createdAt === release.createdAt;
}

/** Returns which newer release has set a mapped key. Of two that were created at once one counts as newer. */
function findNewer({ releases = {} }: Stack, { metadata, release, now }: Aims): string | undefined {
  const key = Object.keys(metadata).find((each) => {
    const other = releases[each];
    if (other === undefined || other.createdAt < release.createdAt) return false;
    return other.createdAt > release.createdAt || other.id > release.id;
  });
  const { id, createdAt = 0 } = releases[key ?? ""] ?? {};
  return key && `${key} was set by the newer release ${id}.${formatAhead(createdAt, now)}`;
}

/** An instant that is still to come was made by a clock that was ahead. */
function formatAhead(createdAt: number, now: number): string {
  if (createdAt <= now + CLOCKS_MS) return "";
  return ` A clock was ahead when it started: the next release is newer after ${new Date(createdAt).toISOString()}.`;
}

function describeWork({ state, tasks }: Stack): string {
  const open = tasks.filter(({ status }) => status === "PENDING").map(({ name }) => name);
  return open.length === 0 ? `${state} waits for earlier tasks.` : `${state} waits for ${open.join(", ")}.`;
}

/** Notes when an approval of the stack is open: that time does not count. */
function noteApprovals(row: DeployRow, { tasks }: Stack, { now }: Aims): DeployRow {
  const isOpen = tasks.some(({ detail }) => detail === "APPROVING");
  const { heldSince, ...rest } = row;
  if (isOpen) return heldSince === undefined ? { ...row, heldSince: now } : row;
  return heldSince === undefined ? row : { ...rest, heldMs: (row.heldMs ?? 0) + now - heldSince };
}

function timeOut(row: DeployRow, { state }: Stack, aims: Aims): DeployRow {
  const { sentAt = 0, heldMs = 0, heldSince } = row;
  const unwatchedMs = sumUnwatched(aims.absences ?? [], { since: sentAt, now: aims.now });
  if (heldSince !== undefined || aims.now < sentAt + heldMs + unwatchedMs + aims.eachMs) return row;
  const message = `The stack is still in ${state}. It continues; a retry checks it again.`;
  return end(row, aims, { state: "failed", code: "STACK_TIMEOUT", message });
}

/** Characters of a message in a row. */
const MOST_MESSAGE = 200;

/** The row waits for this reason. */
export function hold(row: DeployRow, { now }: Pick<Aims, "now">, { code, message, freeze }: Why): DeployRow {
  const shown = cutText(message, MOST_MESSAGE);
  if (row.state === "waiting" && row.code === code && row.message === shown && row.freeze === freeze) return row;
  const { heldMs, heldSince, freeze: _, ...rest } = row;
  return { ...rest, state: "waiting", code, message: shown, ...defined({ freeze }), at: now };
}

/** The row has ended. */
export function end(
  row: DeployRow,
  { now }: Pick<Aims, "now">,
  { state, code, message }: Pick<DeployRow, "state" | "code" | "message">,
): DeployRow {
  const { code: _, message: __, freeze: ___, heldMs, heldSince, ...rest } = row;
  return { ...rest, state, ...defined({ code, message: message && cutText(message, MOST_MESSAGE) }), at: now };
}

/** The decisions about one row in which sending and undoing differ. Pure. */
export interface RowRules {
  /** Returns the values that the row's event brings. */
  toValues(row: DeployRow, aims: Pick<Aims, "metadata">): Readonly<Record<string, Value>>;
  /** Returns the releases that the row's event brings back; undefined: the stack gets this release. */
  toRestores(row: DeployRow): Readonly<Record<string, SetBy | null>> | undefined;
  /** Returns which newer release has set a mapped key. */
  findNewer(stack: Stack, aims: Aims): string | undefined;
  /** Returns true when the values of a stack are neither those of this release, nor those that the row's event brings. */
  isForeign(row: DeployRow, stack: Stack, aims: Aims): boolean;
  /** Returns the row with what its event may change: a key that was changed since is left alone. */
  toOwned(row: DeployRow, stack: Stack, aims: Aims): DeployRow;
  /** Returns true when a stack that has the values has the release too, or the one before it after an undo. */
  needsNothing(row: DeployRow, stack: Stack, aims: Aims): boolean;
  /** Returns how the row of a stack ends that has arrived. */
  toArrival(row: DeployRow): "done" | "unchanged";
  /** Returns true when a stack that was removed counts as skipped, not as failed. */
  skipsMissing(aims: Aims): boolean;
  /** Returns true when what was before the first event is in the row already. */
  keepsBefore(stack: Stack | undefined, aims: Aims): boolean;
  /** Returns the row with an event that changes less, after a refusal; undefined: the refusal is final. */
  toLesser(row: DeployRow, why: Why): DeployRow | undefined;
  /** True: stacks whose rows are done are observed too. Others were observed as they arrived. */
  readonly asksDone: boolean;
  /** Returns what the end of the task leaves undone on a stack. */
  findLeft(stack: Stack, aims: Aims): Why | undefined;
}

const SENDING: RowRules = {
  toValues: (_row, { metadata }) => metadata,
  toRestores: () => undefined,
  findNewer,
  // Whatever its values are, they are replaced.
  isForeign: () => false,
  toOwned: (row) => row,
  needsNothing: (row, stack, aims) => isOwn(stack, aims) && (row.try > 0 || !aims.again),
  toArrival: (row) => (row.try === 0 || row.onlyNotes === true ? "unchanged" : "done"),
  skipsMissing: ({ isRule }) => isRule,
  keepsBefore: (stack, aims) => stack !== undefined && hasApplied(stack, aims),
  toLesser: () => undefined,
  asksDone: false,
  findLeft: (stack, aims) => {
    const key = Object.keys(aims.metadata).find((each) => isOwnKey(stack, aims, each) && isUndone(stack, each));
    if (key === undefined) return undefined;
    return {
      code: "WORK_MISSING",
      message: `The stack has ${key} of this release, and the work with it was not done.`,
    };
  },
};

function isUndone(stack: Stack, key: string): boolean {
  const { kind } = evaluateDeed(stack, key);
  return kind === "failed" || kind === "open";
}

const UNDOING: RowRules = {
  toValues: ({ from = {} }) => mapEntries(from, ({ value = null }) => value),
  toRestores: ({ from = {} }) => mapEntries(from, ({ release = null }) => release),
  // A stack that has something newer is foreign.
  findNewer: () => undefined,
  isForeign: (row, stack, aims) => Object.keys(pickOurs(row, stack, aims)).length === 0,
  toOwned: (row, stack, aims) => ({ ...row, from: pickOurs(row, stack, aims) }),
  needsNothing: (row, stack) => isRestored(row, stack),
  toArrival: () => "done",
  skipsMissing: () => true,
  keepsBefore: () => true,
  // A key that had no value before, and may have none any more, does not keep the others from being restored.
  toLesser(row, { code }) {
    const entries = Object.entries(row.from ?? {}).filter(([, { value }]) => value !== undefined);
    const isLess = entries.length > 0 && entries.length < Object.keys(row.from ?? {}).length;
    return isLess && REFUSES_KEYS.has(code) ? { ...row, from: Object.fromEntries(entries) } : undefined;
  },
  asksDone: true,
  findLeft: (stack, aims) => {
    const keys = Object.keys(aims.metadata).filter((key) => isOwnKey(stack, aims, key));
    if (keys.length === 0) return undefined;
    return { code: "NOT_RESTORED", message: `The stack still has ${keys.join(", ")} of the release.` };
  },
};

/** Codes of refusals for a value of the metadata. */
const REFUSES_KEYS: ReadonlySet<string> = new Set(["METADATA_INVALID", "EVENT_METADATA_REQUIRED"]);

/** The rules of rows, by what the task does. */
export const ROW_RULES: Readonly<Record<Aims["op"], RowRules>> = { send: SENDING, undo: UNDOING };

function mapEntries<T>(
  from: Readonly<Record<string, Before>>,
  change: (before: Before) => T,
): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(from).map(([key, before]) => [key, change(before)]));
}
