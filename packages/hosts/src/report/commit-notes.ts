import { cutText, defined } from "@stackyard/core";
import type { BroughtCommit, CommitVerdict as StackVerdict } from "@stackyard/core/machine";
import { toEventFate } from "@stackyard/core/services";
import type { PreviewPhase } from "./preview-phase.ts";

/** A commit of a pull request in one stack, and what has become of it there. */
export interface CommitNote {
  readonly head: string;
  /** The digest of the value under which the stack had it. */
  readonly value?: string;
  /** `refused`: its event was not applied, and is not tried again. `ended`: the stack has ended before its work had. */
  readonly is: StackVerdict["is"] | "parked" | "refused" | "ended";
  /** Why it does not run. */
  readonly why?: string;
}

/** Returns why an event was not applied, for display. */
export function formatRefusal(event: string, { kind, code, reason }: Refusal): string {
  return `"${event}" ${kind === "parked" ? "is parked" : "was refused"} (${code}): ${reason}`;
}

interface Refusal {
  readonly kind: "parked" | "refused";
  readonly code: string;
  readonly reason: string;
}

/** The commits of a pull request in one stack, as the history of the stack states them. */
export interface CommitNotes {
  /** Position of the last line that was read. */
  readonly position: number;
  /** The commit that the stack has; missing `commit`: nothing has stated which. */
  readonly present?: { readonly commit?: string };
  /** The commit whose work was done last. Missing: none, or the stack was given one of which nothing is known. */
  readonly running?: string;
  /** In the order in which they were brought last, the newest last. */
  readonly notes: readonly CommitNote[];
}

/** A stack without commits. */
export const NO_COMMITS: CommitNotes = { position: 0, notes: [] };

const MOST_NOTES = 10;

/** A line of the history of a stack. */
export interface CommitLine {
  readonly position: number;
  readonly eventId: string;
  readonly event: string;
  readonly outcome: "applied" | "removed" | "parked" | "refused" | "dead-lettered" | "ignored";
  readonly code?: string;
  readonly reason?: string;
  readonly description?: string;
  readonly from?: string;
  readonly task?: string;
  readonly commit?: BroughtCommit;
  readonly commits?: readonly StackVerdict[];
}

/** What is known of the events of a pull request. */
export interface KnownEvents {
  /** Its commits. */
  readonly heads: ReadonlySet<string>;
  /** The id of the event that has closed it: what that leaves undone has ended, and has not failed. */
  readonly closed?: string | undefined;
}

/** Applies lines of the history, oldest first. Those that were read before are skipped. */
export function noteLines(before: CommitNotes, lines: readonly CommitLine[], known: KnownEvents): CommitNotes {
  return lines
    .filter(({ position }) => position > before.position)
    .reduce((notes, line) => ({ ...noteLine(notes, line, known), position: line.position }), before);
}

function noteLine(before: CommitNotes, line: CommitLine, { heads, closed }: KnownEvents): CommitNotes {
  const fate = toEventFate(line);
  const head = line.commit?.id;
  if (fate.kind === "parked" || fate.kind === "refused") {
    const known = before.notes.find((note) => note.head === head);
    // Another try of a commit that the stack was given says nothing about it.
    const isGiven = known !== undefined && known.is !== "parked" && known.is !== "refused";
    if (head === undefined || !heads.has(head) || isGiven) return before;
    return put(before, { head, is: fate.kind, why: formatRefusal(line.event, fate) });
  }
  if (line.outcome === "removed") return end(before);
  const { commits = [] } = line;
  if (line.eventId === closed) return before;
  return commits.reduce((notes, verdict) => noteVerdict(notes, verdict, { line, heads }), before);
}

interface VerdictInput {
  readonly line?: CommitLine;
  readonly heads: ReadonlySet<string>;
}

/** Notes what has become of a commit. The last verdict of a line is about the commit that the stack has then. */
function noteVerdict(before: CommitNotes, verdict: StackVerdict, { line, heads }: VerdictInput): CommitNotes {
  const { value, is } = verdict;
  const head = verdict.id ?? before.notes.find((note) => note.value === value)?.head;
  const known = before.notes.find((note) => note.head === head);
  const notes = { ...before, present: defined({ commit: head }) };
  if (head === undefined || (known === undefined && !heads.has(head))) return withoutRunning(notes);
  if (is === "noted" && known !== undefined && isOver(known)) return keep(notes, known);
  const note = { head, value, is, ...defined({ why: toWhy(verdict, known, line) }) };
  const isBrought = known === undefined || line?.commit?.id === head;
  const changed = isBrought ? put(notes, note) : replace(notes, note);
  return keep(changed, note);
}

function isOver({ is }: CommitNote): boolean {
  return is === "done" || is === "failed";
}

function keep(notes: CommitNotes, { head, is }: CommitNote): CommitNotes {
  return is === "done" ? { ...notes, running: head } : notes;
}

/** What is there is not known: the commit that was there is not there any more. */
function withoutRunning({ running: _, ...notes }: CommitNotes): CommitNotes {
  return notes;
}

function put(commits: CommitNotes, note: CommitNote): CommitNotes {
  const others = commits.notes.filter(({ head }) => head !== note.head);
  return { ...commits, notes: [...others, note].slice(-MOST_NOTES) };
}

function replace(commits: CommitNotes, changed: CommitNote): CommitNotes {
  return { ...commits, notes: commits.notes.map((each) => (each.head === changed.head ? changed : each)) };
}

function end({ running: _, present: __, ...commits }: CommitNotes): CommitNotes {
  const notes = commits.notes.map((note) => (isUnderWay(note) ? { ...note, is: "ended" as const } : note));
  return { ...commits, notes };
}

function isUnderWay({ is }: CommitNote): boolean {
  return is === "open" || is === "noted";
}

const MOST_REASON = 500;

/** Returns why a commit has failed: as the line says on which its task did, which may be an earlier one. */
function toWhy(
  { lack }: StackVerdict,
  known: CommitNote | undefined,
  line: CommitLine | undefined,
): string | undefined {
  if (lack === undefined) return undefined;
  const { task, why } = lack;
  if (why !== "left" && line?.task === task) return toFailure(task, line);
  if (known?.why?.includes(`"${task}"`)) return known.why;
  const isLeft = why === "left" && line !== undefined;
  return isLeft ? `"${line.event}" left ${line.from} before "${task}" was done.` : `"${task}" has not done its work.`;
}

function toFailure(task: string, { event, code, description, reason }: CommitLine): string {
  const said = [code, description ?? reason].filter((part) => part !== undefined).join(": ");
  const what = event === "REJECT_TASK" ? `"${task}" was rejected` : `"${task}" has failed`;
  return cutText(`${what}${said === "" ? "" : ` (${said})`}`, MOST_REASON);
}

/** Notes what the stack says of the commit that it has now. One with which nothing is to be done is done once it is ready. */
export function notePresent(
  before: CommitNotes,
  verdict: StackVerdict | undefined,
  { heads, phase }: { readonly heads: ReadonlySet<string>; readonly phase: PreviewPhase },
): CommitNotes {
  if (verdict === undefined) return before;
  const noted = noteVerdict(before, verdict, { heads });
  const isDone = verdict.is === "noted" && phase === "ready";
  const note = noted.notes.find(({ head, is }) => is === "noted" && head === noted.present?.commit);
  return isDone && note !== undefined ? { ...replace(noted, { ...note, is: "done" }), running: note.head } : noted;
}

/** Returns what the stack was given instead of the newest commit that it was given. */
export function findElsewhere({ present, notes }: CommitNotes): { readonly commit?: string } | undefined {
  const given = notes.findLast(({ is }) => is !== "parked" && is !== "refused");
  return present === undefined || given === undefined || present.commit === given.head ? undefined : present;
}

/**
 * The verdict about a commit.
 * - `pending`: its event is parked, or its work is under way. `failed`: it does not run.
 * - `done`: its work is done. `replaced`, `ended`: by another commit, or with the stack, before that.
 */
export interface CommitVerdict {
  readonly kind: "pending" | "failed" | "done" | "replaced" | "ended";
  readonly why?: string;
}

/** Returns the verdict about a commit. Nothing that happens to another commit changes it. */
export function evaluateNote(
  { head, is, why }: CommitNote,
  { present }: CommitNotes,
  phase: PreviewPhase,
): CommitVerdict {
  const reason = defined({ why });
  if (is === "parked") return { kind: "pending", ...reason };
  if (is === "refused" || is === "failed") return { kind: "failed", ...reason };
  if (is === "done" || is === "replaced" || is === "ended") return { kind: is };
  if (phase === "failed" && present?.commit === head) return { kind: "failed", ...reason };
  return { kind: "pending" };
}
