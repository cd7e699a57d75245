import { cutText, defined, isMap } from "@stackyard/core";
import { toEventFate } from "@stackyard/core/services";
import type { PreviewPhase } from "./preview-phase.ts";

/** The run of one commit of a pull request in one stack. */
export interface CommitNote {
  readonly head: string;
  /** The event that brought it last. */
  readonly event: string;
  /** Why that event was not applied. Missing: it was. */
  readonly refusal?: CommitRefusal;
  /** Tasks of its run that were left, or have failed, and have not succeeded since; with the reason. */
  readonly unfinished: Readonly<Record<string, string>>;
  /** Where its run began. Missing in notes of earlier versions. */
  readonly start?: CommitStart;
  /** The stack came to rest meanwhile: what else it does, such as a check, says nothing about the commit. */
  readonly hasFailed?: true;
  /** The tasks that were unfinished when it had failed and its run began again. */
  readonly failedBefore?: Readonly<Record<string, string>>;
  /** The note before the machine set the commit again, as long as no task has run since. */
  readonly before?: Omit<CommitNote, "before">;
  /**
   * The end of its run, which stays so. `done`: the stack came to rest and nothing was unfinished. `replaced`: by
   * another commit before that. `ended`: the stack ended before that.
   */
  readonly end?: "done" | "replaced" | "ended";
}

/** The state that the event of a commit led to, and the keys that name the commit. */
interface CommitStart {
  readonly state?: string;
  /** The keys of the event's metadata that name the commit. */
  readonly keys: readonly string[];
  /** The keys of the stack's metadata that name the commit. */
  readonly held?: readonly string[];
}

/** Returns why an event was not applied, for display. */
export function formatRefusal(event: string, { kind, code, reason }: CommitRefusal): string {
  return `"${event}" ${kind === "parked" ? "is parked" : "was refused"} (${code}): ${reason}`;
}

/** Why an event was not applied. `parked`: it is tried again for a while. */
interface CommitRefusal {
  readonly kind: "parked" | "refused";
  readonly code: string;
  readonly reason: string;
}

/** The commits of a pull request in one stack, by the history of the stack. */
export interface CommitNotes {
  /** Position of the last line that was read. */
  readonly position: number;
  /** When the last event was applied. Epoch milliseconds. */
  readonly appliedAt: number;
  /** The commit that the stack runs. Missing: none, or one from before the notes. */
  readonly running?: string;
  /**
   * The stack was given something else than the newest of these commits: an earlier one by its machine, or another one, and
   * then nothing that it does is about one of the notes. Missing `commit`: an event that names no commit has begun a run.
   */
  readonly elsewhere?: { readonly commit?: string };
  /** In the order in which they were brought last, the newest last. */
  readonly notes: readonly CommitNote[];
}

/** A stack without commits. */
export const NO_COMMITS: CommitNotes = { position: 0, appliedAt: 0, notes: [] };

const MOST_NOTES = 10;

/** A line of the history of a stack. */
export interface CommitLine {
  readonly position: number;
  readonly at: number;
  readonly eventId: string;
  readonly internal?: true;
  readonly event: string;
  readonly outcome: "applied" | "removed" | "parked" | "refused" | "dead-lettered" | "ignored";
  readonly code?: string;
  readonly reason?: string;
  readonly description?: string;
  readonly from?: string;
  readonly to?: string;
  readonly task?: string;
  readonly metadata?: unknown;
  /** The metadata that the machine has changed. */
  readonly set?: unknown;
  readonly sent: readonly string[];
  readonly unfinished?: readonly string[];
}

/** The commits that events have brought. */
export interface BroughtCommits {
  /** Heads by the ids of events that were published for the pull request. */
  readonly sent: ReadonlyMap<string, string>;
  /** A head that events may bring in their metadata. */
  readonly head: string;
}

/** Applies lines of the history, oldest first. Those that were read before are skipped. */
export function noteLines(before: CommitNotes, lines: readonly CommitLine[], brought: BroughtCommits): CommitNotes {
  return lines
    .filter(({ position }) => position > before.position)
    .reduce((notes, line) => note(notes, line, brought), before);
}

function note(before: CommitNotes, line: CommitLine, brought: BroughtCommits): CommitNotes {
  const fate = toEventFate(line);
  const isApplied = fate.kind === "applied";
  const commits: CommitNotes = {
    ...before,
    position: line.position,
    ...(isApplied && { appliedAt: line.at }),
  };
  const head = findHead(commits, line, brought);
  if (head === undefined) return isApplied ? noteOther(commits, line) : commits;
  if (isApplied) {
    const begun = noteSet(begin(commits, head, line), line);
    return line.outcome === "removed" ? end(begun) : begun;
  }
  if (fate.kind !== "parked" && fate.kind !== "refused") return commits;
  const known = commits.notes.find((each) => each.head === head);
  // Another try of a commit that the stack was given says nothing about it.
  if (known !== undefined && known.refusal === undefined) return commits;
  const { kind, code, reason } = fate;
  return put(commits, { head, event: line.event, refusal: { kind, code, reason }, unfinished: {} });
}

/** Returns the commit that an event brings; undefined for other events. */
function findHead(commits: CommitNotes, line: CommitLine, { sent, head }: BroughtCommits): string | undefined {
  if (line.internal === true) return undefined;
  const own = sent.get(line.eventId);
  if (own !== undefined) return own;
  const { notes } = commits;
  // Another commit under the key of the commit: what else mentions the head, such as where it came from, does not bring it.
  const last = findLast(commits);
  const isOther =
    isMap(line.metadata) && last !== undefined && findOther({ ...last, head }, line.metadata) !== undefined;
  const isNamed = isMap(line.metadata) && !isOther && listKeysOf(line.metadata, head).length > 0;
  // Metadata alone, such as that of an extended lifetime, begin no other run of a commit.
  const isKnown = notes.some((each) => each.head === head && each.refusal === undefined);
  const runs = line.from !== line.to || line.sent.length > 0;
  return isNamed && (runs || !isKnown) ? head : undefined;
}

/** Returns true for a text with the commit, such as the tag of an image, and for its beginning. */
function namesCommit(value: string, head: string): boolean {
  return value.includes(head) || (value.length >= SHORT && head.startsWith(value));
}

/** Characters of the shortest name of a commit that hosts print. */
const SHORT = 7;

type Metadata = Readonly<Record<string, unknown>>;

/** Returns the keys whose values name a commit. */
function listKeysOf(metadata: Metadata, head: string): readonly string[] {
  return Object.keys(metadata).filter((key) => {
    const value = metadata[key];
    return typeof value === "string" && namesCommit(value, head);
  });
}

/** A commit in full, also as a part of a text. */
const COMMIT = /(?<![0-9a-f])[0-9a-f]{40}(?:[0-9a-f]{24})?(?![0-9a-f])/;

/** Returns the other commit that metadata have where a key has named this one; undefined when there is none. */
function findOther({ head, start }: CommitNote, metadata: Metadata): string | undefined {
  const { keys = [], held = [] } = start ?? {};
  const find = (names: readonly string[]) =>
    names
      .map((key) => metadata[key])
      .find((value): value is string => typeof value === "string" && value !== "" && !namesCommit(value, head));
  return find(keys) ?? find(held)?.match(COMMIT)?.[0];
}

/** Begins the run of a commit: the one before it is replaced. */
function begin(commits: CommitNotes, head: string, { event, to, metadata }: CommitLine): CommitNotes {
  const { elsewhere: _, ...there } = endCurrent(commits, "replaced");
  const rest = endCurrent(there, "replaced");
  const keys = isMap(metadata) ? listKeysOf(metadata, head) : [];
  return put(rest, { head, event, unfinished: {}, start: { keys, ...(to !== undefined && { state: to }) } });
}

/** Notes an event that brings no head of the pull request: it may bring another commit, such as an earlier one. */
function noteOther(commits: CommitNotes, line: CommitLine): CommitNotes {
  const last = findLast(commits);
  const { metadata } = line;
  const given = line.internal !== true && isMap(metadata) ? metadata : {};
  const other = last && findOther(last, given);
  if (last !== undefined && commits.elsewhere !== undefined && listKeysOf(given, last.head).length > 0) {
    return begin(commits, last.head, line);
  }
  if (other === undefined) return isUnnamedRun(last, line) ? leave(commits, {}) : noteMove(commits, line);
  const known = commits.notes.find(({ head }) => namesCommit(other, head));
  return noteSet(known === undefined ? leave(commits, { commit: other }) : begin(commits, known.head, line), line);
}

/**
 * Returns true if an event from outside begins the run of a commit again in a stack where nothing names the commit: it may
 * be that of any other.
 */
function isUnnamedRun(last: CommitNote | undefined, { internal, event, from, to }: CommitLine): boolean {
  if (last?.start === undefined || internal === true || SETTLED.has(event)) return false;
  const { state, keys, held = [] } = last.start;
  return from !== to && to === state && keys.length + held.length === 0;
}

/** Notes that the stack was given something else than one of the commits. One that has failed stays so. */
function leave(commits: CommitNotes, elsewhere: { readonly commit?: string }): CommitNotes {
  const current = findCurrent(commits);
  const failed = current?.hasFailed === true || current?.failedBefore !== undefined;
  const left =
    failed && current.end === undefined
      ? replace(commits, { ...current, unfinished: current.failedBefore ?? current.unfinished, hasFailed: true })
      : endCurrent(commits, "replaced");
  const { running, ...rest } = left;
  const { commit } = elsewhere;
  const isThere = running !== undefined && commit !== undefined && namesCommit(commit, running);
  return { ...rest, elsewhere, ...(isThere && { running }) };
}

function put(commits: CommitNotes, added: CommitNote): CommitNotes {
  const others = commits.notes.filter(({ head }) => head !== added.head);
  return { ...commits, notes: [...others, added].slice(-MOST_NOTES) };
}

/** Returns the commit that the stack was given last. */
function findCurrent(commits: CommitNotes): CommitNote | undefined {
  const { elsewhere } = commits;
  if (elsewhere === undefined) return findLast(commits);
  return elsewhere.commit === undefined ? undefined : findKnown(commits, elsewhere.commit);
}

/** Returns the commit with a name, if the stack was given it before. */
function findKnown({ notes }: CommitNotes, name: string): CommitNote | undefined {
  return notes.find(({ head, refusal }) => refusal === undefined && namesCommit(name, head));
}

function findLast({ notes }: CommitNotes): CommitNote | undefined {
  return notes.findLast(({ refusal }) => refusal === undefined);
}

function endCurrent(commits: CommitNotes, how: "done" | "replaced" | "ended"): CommitNotes {
  const current = findCurrent(commits);
  if (current === undefined || current.end !== undefined) return commits;
  return replace(commits, current.before ?? { ...current, end: how });
}

function replace(commits: CommitNotes, changed: CommitNote): CommitNotes {
  return { ...commits, notes: commits.notes.map((each) => (each.head === changed.head ? changed : each)) };
}

function end(commits: CommitNotes): CommitNotes {
  // One that has failed stays so.
  const hasFailed = findCurrent(commits)?.hasFailed === true;
  const { running: _, ...rest } = hasFailed ? commits : endCurrent(commits, "ended");
  return rest;
}

/** Notes what another event has done to the run of the present commit, or that the machine has set another one by it. */
function noteMove(commits: CommitNotes, line: CommitLine): CommitNotes {
  if (line.outcome === "removed") return end(commits);
  const set = findSet(commits, line.set);
  if (set === undefined) return hold(noteRun(commits, line), line.set);
  const current = findCurrent(commits);
  const isOver = current === undefined || current.end !== undefined;
  const left = isOver ? commits : replace(commits, noteUnfinished(current, line));
  return give(failUnfinished(left, []), set, line);
}

/** Notes what the machine has set by an event that is noted. */
function noteSet(commits: CommitNotes, line: CommitLine): CommitNotes {
  const set = findSet(commits, line.set);
  return set === undefined ? hold(commits, line.set) : give(commits, set, line);
}

/** Returns the commit that metadata have instead of the present one: after something else, the newest one, too. */
function findSet(commits: CommitNotes, metadata: unknown): string | undefined {
  const current = findCurrent(commits);
  const note = current ?? findLast(commits);
  if (note?.start === undefined || !isMap(metadata)) return undefined;
  const { keys, held = [] } = note.start;
  const other = findOther(note, metadata);
  if (other !== undefined) return other === commits.elsewhere?.commit ? undefined : other;
  if (current !== undefined) return undefined;
  const isNamed = listKeysOf(metadata, note.head).some((key) => keys.includes(key) || held.includes(key));
  return isNamed ? note.head : undefined;
}

/** Remembers the keys that name the present commit. */
function hold(commits: CommitNotes, metadata: unknown): CommitNotes {
  const current = findCurrent(commits);
  if (current?.start === undefined || !isMap(metadata)) return commits;
  const { held = [] } = current.start;
  const named = listKeysOf(metadata, current.head).filter((key) => !held.includes(key));
  if (named.length === 0) return commits;
  return replace(commits, { ...current, start: { ...current.start, held: [...held, ...named] } });
}

/** Notes that the present commit has failed if anything of its run is unfinished. */
function failUnfinished(commits: CommitNotes, watching: readonly string[]): CommitNotes {
  const current = findCurrent(commits);
  const isFailed = Object.keys(current?.unfinished ?? {}).some((name) => !watching.includes(name));
  return current !== undefined && isFailed ? replace(commits, { ...current, hasFailed: true }) : commits;
}

/** Notes that the machine has set another commit. One that the stack was given before runs again. */
function give(
  commits: CommitNotes,
  commit: string,
  { to, sent, set }: Pick<CommitLine, "to" | "sent" | "set">,
): CommitNotes {
  const known = findKnown(commits, commit);
  const left = leave(commits, { commit: known?.head ?? commit });
  if (known === undefined) return left;
  const { before: _, ...was } = known;
  const { head, event } = known;
  const held = isMap(set) ? listKeysOf(set, head) : [];
  const begun = { head, event, unfinished: {}, start: { keys: [], held, ...defined({ state: to }) } };
  const { elsewhere, ...rest } = replace(left, sent.length > 0 ? begun : { ...begun, before: was });
  const isNewest = findLast(left)?.head === head;
  return { ...rest, ...defined({ running: commits.running }), ...(!isNewest && { elsewhere }) };
}

/** Notes what an event has left unfinished of the run of the present commit, and what has succeeded. */
function noteRun(commits: CommitNotes, line: CommitLine): CommitNotes {
  const known = findCurrent(commits);
  if (known === undefined || known.end !== undefined) return commits;
  const { task, sent, from, to } = line;
  const { before, ...own } = known;
  const current = before === undefined || sent.length > 0 || task !== undefined ? own : known;
  if (from !== to && to !== undefined && to === current.start?.state) return restart(commits, current);
  const left = noteUnfinished(current, line);
  // Tasks that are sent again are under way.
  const rest = Object.entries(left.unfinished).filter(([name]) => !sent.includes(name));
  const { hasFailed, ...others } = left;
  const isOver = hasFailed === true && rest.length >= Object.keys(current.unfinished).length;
  return replace(commits, { ...others, unfinished: Object.fromEntries(rest), ...(isOver && { hasFailed }) });
}

function noteUnfinished(current: CommitNote, line: CommitLine): CommitNote {
  const { task = "", unfinished = [] } = line;
  const open = Object.entries(current.unfinished).filter(([name]) => name !== task || !SETTLED.has(line.event));
  // A task that begins after the run has failed, such as a drift check, does not belong to the run.
  const left = current.hasFailed === true ? [] : unfinished.map((name) => [name, explain(line, name)] as const);
  return { ...current, unfinished: Object.fromEntries([...open, ...left]) };
}

/** Begins the run of the present commit again: it is in the state in which it began. */
function restart(commits: CommitNotes, current: CommitNote): CommitNotes {
  const { hasFailed, ...others } = current;
  const failedBefore = hasFailed === true ? current.unfinished : current.failedBefore;
  return replace(commits, { ...others, unfinished: {}, ...(failedBefore !== undefined && { failedBefore }) });
}

/**
 * Events with which people end a task that was left. A worker's success ends one only where it was sent again: else it is that of a run
 * of an earlier commit, which the stack waits for.
 */
const SETTLED: ReadonlySet<string> = new Set(["SETTLE_TASK", "APPROVE_TASK"]);
const MOST_REASON = 500;

/** Returns why a task was left unfinished. */
function explain({ event, task, code, reason, description, from = "" }: CommitLine, name: string): string {
  if (task !== name) return `"${event}" left ${from} before "${name}" was done.`;
  const why = [code, description ?? reason].filter((part) => part !== undefined).join(": ");
  const what = event === "REJECT_TASK" ? `"${name}" was rejected` : `"${name}" has failed`;
  return cutText(`${what}${why === "" ? "" : ` (${why})`}`, MOST_REASON);
}

/** The stack of the notes as it is now. */
export interface PresentStack {
  readonly phase: PreviewPhase;
  /** When it has entered its state. */
  readonly enteredAt: number;
  /** Tasks that watch the stack while it rests, and do not end before it is left. */
  readonly watching: readonly string[];
  readonly metadata: Metadata;
}

/**
 * Notes how the run of the present commit has ended once the stack rests: it is done when nothing of it is unfinished. A
 * stack that sleeps runs nothing: a commit that it was given in its sleep is done only after it.
 */
export function noteRest(commits: CommitNotes, present: PresentStack): CommitNotes {
  const { phase, enteredAt, watching } = present;
  // The stack is newer than the lines: the next report reads what has happened since.
  if (enteredAt > commits.appliedAt) return commits;
  const held = notePresent(commits, present);
  const current = findCurrent(held);
  if (current === undefined || current.end !== undefined) return held;
  if (phase === "working" || phase === "waiting") return held;
  if (current.before !== undefined) return restore(held, current, current.before);
  if (Object.keys(current.unfinished).some((name) => !watching.includes(name))) {
    return replace(held, { ...current, hasFailed: true });
  }
  if (phase !== "ready") return held;
  const { failedBefore: _, ...done } = current;
  return { ...replace(held, { ...done, end: "done" }), running: current.head };
}

/** A commit that was set without a run is what it was before. */
function restore(commits: CommitNotes, { head, start }: CommitNote, before: CommitNote): CommitNotes {
  // The keys by which it was set: those of its event may name another one.
  const known = { ...before, ...defined({ start: start && { ...start, ...defined({ state: before.start?.state }) } }) };
  return { ...replace(commits, known), ...(before.end === "done" && { running: head }) };
}

/** Compares the present commit with the metadata of the stack: lines of the history lack long values. */
function notePresent(commits: CommitNotes, { metadata, watching }: PresentStack): CommitNotes {
  const set = findSet(commits, metadata);
  if (set === undefined) return hold(commits, metadata);
  return give(failUnfinished(commits, watching), set, { sent: [], set: metadata });
}

/**
 * The verdict about a commit.
 * - `pending`: its event is parked, or its run is under way. `failed`: it does not run.
 * - `done`: its run has succeeded. `replaced`, `ended`: by another commit, or with the stack, before that.
 */
export interface CommitVerdict {
  readonly kind: "pending" | "failed" | "done" | "replaced" | "ended";
  readonly why?: string;
}

/** Returns the verdict about a commit. Nothing that happens to another commit changes it. */
export function evaluateCommit(note: CommitNote, phase: PreviewPhase): CommitVerdict {
  const { event, refusal, unfinished, hasFailed, end: how } = note;
  if (refusal !== undefined) {
    return { kind: refusal.kind === "parked" ? "pending" : "failed", why: formatRefusal(event, refusal) };
  }
  if (how !== undefined) return { kind: how };
  const [why] = Object.values(unfinished);
  if (hasFailed !== true && phase !== "failed") return { kind: "pending" };
  return { kind: "failed", ...(why !== undefined && { why }) };
}
