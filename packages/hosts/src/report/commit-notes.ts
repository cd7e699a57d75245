import { isMap } from "@stackyard/core";
import { toEventFate } from "@stackyard/core/services";
import type { PreviewPhase } from "./preview-phase.ts";

/** What became of one commit of a pull request in one stack. */
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
  /**
   * How its run has ended, which stays so. `done`: the stack came to rest and nothing was unfinished. `replaced`: by
   * another commit before that. `ended`: the stack ended before that.
   */
  readonly end?: "done" | "replaced" | "ended";
}

/** The state that the event of a commit led to, and the keys of its metadata that name the commit. */
interface CommitStart {
  readonly state?: string;
  readonly keys: readonly string[];
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
  /** The stack was given a commit that is not of the pull request: nothing that it does is about one of the notes. */
  readonly isElsewhere?: true;
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
  if (isApplied) return line.outcome === "removed" ? end(begin(commits, head, line)) : begin(commits, head, line);
  if (fate.kind !== "parked" && fate.kind !== "refused") return commits;
  const known = commits.notes.find((each) => each.head === head);
  // Another try of a commit that the stack was given says nothing about it.
  if (known !== undefined && known.refusal === undefined) return commits;
  const { kind, code, reason } = fate;
  return put(commits, { head, event: line.event, refusal: { kind, code, reason }, unfinished: {} });
}

/** Returns the commit that an event brings; undefined for other events. */
function findHead({ notes }: CommitNotes, line: CommitLine, { sent, head }: BroughtCommits): string | undefined {
  if (line.internal === true) return undefined;
  const own = sent.get(line.eventId);
  if (own !== undefined) return own;
  const isNamed = isMap(line.metadata) && Object.values(line.metadata).includes(head);
  // Metadata alone, such as that of an extended lifetime, begin no other run of a commit.
  const isKnown = notes.some((each) => each.head === head && each.refusal === undefined);
  const runs = line.from !== line.to || line.sent.length > 0;
  return isNamed && (runs || !isKnown) ? head : undefined;
}

/** Begins the run of a commit: the one before it is replaced. */
function begin(commits: CommitNotes, head: string, { event, to, metadata }: CommitLine): CommitNotes {
  const { isElsewhere: _, ...rest } = endCurrent(commits, "replaced");
  const keys = isMap(metadata) ? Object.keys(metadata).filter((key) => metadata[key] === head) : [];
  return put(rest, { head, event, unfinished: {}, start: { keys, ...(to !== undefined && { state: to }) } });
}

/** Notes an event that brings no head of the pull request: it may bring another commit, such as an earlier one. */
function noteOther(commits: CommitNotes, line: CommitLine): CommitNotes {
  const current = findCurrent(commits);
  const { metadata } = line;
  const given = line.internal !== true && isMap(metadata) ? metadata : {};
  const other = current?.start?.keys.map((key) => given[key]).find((value) => typeof value === "string");
  if (typeof other !== "string" || other === current?.head) return noteMove(commits, line);
  if (commits.notes.some(({ head }) => head === other)) return begin(commits, other, line);
  // One that has failed stays so.
  const { running: _, ...rest } = current?.hasFailed === true ? commits : endCurrent(commits, "replaced");
  return { ...rest, isElsewhere: true };
}

function put(commits: CommitNotes, added: CommitNote): CommitNotes {
  const others = commits.notes.filter(({ head }) => head !== added.head);
  return { ...commits, notes: [...others, added].slice(-MOST_NOTES) };
}

/** Returns the commit that the stack was given last. */
function findCurrent({ notes, isElsewhere }: CommitNotes): CommitNote | undefined {
  return isElsewhere === true ? undefined : notes.findLast(({ refusal }) => refusal === undefined);
}

function endCurrent(commits: CommitNotes, how: "done" | "replaced" | "ended"): CommitNotes {
  const current = findCurrent(commits);
  if (current === undefined || current.end !== undefined) return commits;
  return replace(commits, { ...current, end: how });
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

/** Notes what another event has left unfinished of the run of the present commit, and what has succeeded. */
function noteMove(commits: CommitNotes, line: CommitLine): CommitNotes {
  if (line.outcome === "removed") return end(commits);
  const current = findCurrent(commits);
  if (current === undefined || current.end !== undefined) return commits;
  const { task = "", unfinished = [], sent, from, to } = line;
  if (from !== to && to !== undefined && to === current.start?.state) return restart(commits, current);
  const before = Object.entries(current.unfinished);
  const open = before.filter(([name]) => name !== task || !SETTLED.has(line.event));
  // What begins after the run has failed, such as a drift check, is not of the run.
  const left = current.hasFailed === true ? [] : unfinished.map((name) => [name, explain(line, name)] as const);
  // What is sent again is under way.
  const rest = [...open, ...left].filter(([name]) => !sent.includes(name));
  const { hasFailed, ...others } = current;
  const isOver = hasFailed === true && rest.length >= before.length;
  return replace(commits, { ...others, unfinished: Object.fromEntries(rest), ...(isOver && { hasFailed }) });
}

/** Begins the run of the present commit again: it is in the state in which it began. */
function restart(commits: CommitNotes, current: CommitNote): CommitNotes {
  const { hasFailed: _, ...others } = current;
  return replace(commits, { ...others, unfinished: {} });
}

/**
 * How people end a task that was left. A worker's success ends one only where it was sent again: else it is that of a run
 * of an earlier commit, which the stack waits for.
 */
const SETTLED: ReadonlySet<string> = new Set(["SETTLE_TASK", "APPROVE_TASK"]);
const MOST_REASON = 500;

/** Returns why a task was left unfinished. */
function explain({ event, task, code, reason, description, from = "" }: CommitLine, name: string): string {
  if (task !== name) return `"${event}" left ${from} before "${name}" was done.`;
  const why = [code, description ?? reason].filter((part) => part !== undefined).join(": ");
  const what = event === "REJECT_TASK" ? `"${name}" was rejected` : `"${name}" has failed`;
  return `${what}${why === "" ? "" : ` (${why})`}`.slice(0, MOST_REASON);
}

/** The stack of the notes as it is now. */
export interface PresentStack {
  readonly phase: PreviewPhase;
  /** When it has entered its state. */
  readonly enteredAt: number;
  /** Tasks that watch the stack while it rests, and do not end before it is left. */
  readonly watching: readonly string[];
}

/**
 * Notes how the run of the present commit has ended once the stack rests: it is done when nothing of it is unfinished. A
 * stack that sleeps runs nothing: a commit that it was given in its sleep is done only after it.
 */
export function noteRest(commits: CommitNotes, { phase, enteredAt, watching }: PresentStack): CommitNotes {
  const current = findCurrent(commits);
  // The stack is newer than the lines: the next report reads what has happened since.
  if (current === undefined || current.end !== undefined || enteredAt > commits.appliedAt) return commits;
  if (phase === "working" || phase === "waiting") return commits;
  if (Object.keys(current.unfinished).some((name) => !watching.includes(name))) {
    return replace(commits, { ...current, hasFailed: true });
  }
  return phase === "ready" ? { ...replace(commits, { ...current, end: "done" }), running: current.head } : commits;
}

/**
 * What is said about a commit.
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
    const { kind, code, reason } = refusal;
    if (kind === "parked") return { kind: "pending", why: `"${event}" is parked (${code}): ${reason}` };
    return { kind: "failed", why: `"${event}" was refused (${code}): ${reason}` };
  }
  if (how !== undefined) return { kind: how };
  const [why] = Object.values(unfinished);
  if (hasFailed !== true && phase !== "failed") return { kind: "pending" };
  return { kind: "failed", ...(why !== undefined && { why }) };
}
