import { type DescribedStack, defined, isMap, listPages, type ServiceDeps } from "@stackyard/core";
import { evaluateCommit, findEventFate, type PreviewLink } from "@stackyard/core/services";
import type { LastEvent, SentHead } from "../pull/pull-records.ts";
import {
  type CommitNotes,
  evaluateNote,
  findElsewhere,
  formatRefusal,
  type KnownEvents,
  NO_COMMITS,
  noteLines,
  notePresent,
} from "./commit-notes.ts";
import { describeMissing, describePreview, type PreviewCommits, type PreviewFacts } from "./describe-preview.ts";

/** The dependencies of loading previews. */
export interface PreviewDeps extends Pick<ServiceDeps, "describeStack" | "findLogEnd" | "listLinks" | "queries"> {
  /** Where people reach the yard. */
  readonly yardUrl: string | undefined;
  /** True if users of the host are linked to people. */
  readonly canApprove: boolean;
}

/** The facts of a stack from earlier reports. */
export interface KnownPreview {
  /** An earlier report contained it. */
  readonly isSeen: boolean;
  readonly commits?: CommitNotes | undefined;
  /** The events that were published for heads of the pull request. */
  readonly sent: readonly SentHead[];
  /** The last event that was published for the pull request. */
  readonly last?: LastEvent | undefined;
}

/** The facts about a stack, and about the commits that it was sent. */
interface LoadedPreview {
  readonly preview: PreviewFacts;
  readonly commits: CommitNotes;
}

/** Lines of a stack's history to search for outputs. */
const LINES = { limit: 100, maxBytes: 262_144 };

type Lines = Awaited<ReturnType<ServiceDeps["queries"]["listHistory"]>>;

/**
 * Returns the current facts about a stack for a report; undefined while the event that creates it is not decided, and
 * for a link without a proof or that means a stack of another machine.
 */
export async function loadPreview(
  deps: PreviewDeps,
  link: PreviewLink,
  known: KnownPreview,
): Promise<LoadedPreview | undefined> {
  const { stackId } = link;
  if (link.by === undefined) return undefined;
  // Before the stack: a line that is newer than it would be about another one.
  const lines = await deps.queries.listHistory({ stackId, newestFirst: true }, LINES);
  const read = await readCommits(deps, link, { known, newest: lines });
  const described = await deps.describeStack(stackId);
  const stack = described?.stack;
  if (stack !== undefined && link.machine !== undefined && stack.machine !== link.machine) return undefined;
  const preview = described === undefined ? toMissing(link, { known, newest: lines, read }) : undefined;
  const facts = described === undefined ? preview : await loadFacts(deps, link, { described, items: lines.items });
  if (facts === undefined) return undefined;
  const verdict = stack === undefined || stack.endsFrom !== undefined ? undefined : evaluateCommit(stack);
  const commits = notePresent(read, verdict, { ...toKnownEvents(link, known), phase: facts.phase });
  const kept = described === undefined ? undefined : await findKept(deps, stackId, known);
  const newest = findNewest(link, known, { commits, facts });
  return { commits, preview: { ...facts, ...defined({ kept, commits: newest }) } };
}

/** Returns why the event that ends a stack was not applied; undefined while none was sent. */
async function findKept(deps: PreviewDeps, stackId: string, { last }: KnownPreview): Promise<string | undefined> {
  if (last?.rule !== "closed" || last.stackId !== stackId) return undefined;
  const fate = await findEventFate(deps, last);
  return fate.kind === "parked" || fate.kind === "refused" ? formatRefusal(last.event ?? "", fate) : undefined;
}

interface ReadInput {
  readonly known: KnownPreview;
  /** The newest lines of the history. */
  readonly newest: Lines;
}

/** Reads what has happened to the commits of the pull request since the last report. */
async function readCommits(
  { queries }: PreviewDeps,
  link: PreviewLink,
  { known, newest: { items, cursor } }: ReadInput,
): Promise<CommitNotes> {
  const { commits = NO_COMMITS, sent } = known;
  const { stackId } = link;
  const events = toKnownEvents(link, known);
  const first = items.at(-1)?.position ?? 0;
  if (cursor === undefined || first <= commits.position) return noteLines(commits, items.toReversed(), events);
  let notes = commits;
  const start = {
    cursor: String(commits.position > 0 ? commits.position : await findStart(queries, stackId, { sent, first })),
  };
  const pages = listPages((next) => queries.listHistory({ stackId }, { ...LINES, ...start, ...next }));
  for await (const page of pages) notes = noteLines(notes, page.items, events);
  return notes;
}

/** Returns the position before which nothing is of interest: of a stack without notes, that of the newest head's event. */
async function findStart(
  queries: PreviewDeps["queries"],
  stackId: string,
  { sent, first }: Pick<KnownPreview, "sent"> & { readonly first: number },
): Promise<number> {
  const eventId = sent.at(-1)?.id;
  if (eventId === undefined) return first - 1;
  const { items } = await queries.listHistory({ stackId, eventId }, { limit: 1 });
  return Math.min(first, items[0]?.position ?? first) - 1;
}

function toKnownEvents({ head }: PreviewLink, { sent, last }: KnownPreview): KnownEvents {
  return {
    heads: new Set([...sent.map((each) => each.head), head]),
    closed: last?.rule === "closed" ? last.id : undefined,
  };
}

/** Returns the facts about a stack that does not exist. Undefined: its first event is not decided. */
function toMissing(
  { stackId }: PreviewLink,
  { known, newest, read }: ReadInput & { readonly read: CommitNotes },
): PreviewFacts | undefined {
  const last = read.notes.at(-1)?.is;
  if (last === "parked" || last === "refused") return describeMissing(stackId, "absent");
  const hasEnded = known.isSeen || newest.items.some(({ outcome }) => outcome === "removed");
  return hasEnded ? describeMissing(stackId, "ended") : undefined;
}

/** Returns the commit that runs, and the newest one with its verdict. Missing: nothing is known of commits. */
function findNewest(
  { head }: PreviewLink,
  { sent }: KnownPreview,
  { commits, facts: { phase } }: { readonly commits: CommitNotes; readonly facts: PreviewFacts },
): PreviewCommits | undefined {
  const { notes, running } = commits;
  const last = sent.at(-1)?.head;
  const runs = defined({ running, elsewhere: findElsewhere(commits) });
  const find = (id: string | undefined) => notes.findLast((each) => each.head === id);
  // A rule or a sender that the host does not know of may have brought the head.
  const note = find(head) ?? find(last) ?? notes.at(-1);
  if (last === head && note?.head !== head) return { ...runs, newest: head, verdict: { kind: "pending" } };
  return note && { ...runs, newest: note.head, verdict: evaluateNote(note, commits, phase) };
}

async function loadFacts(
  deps: PreviewDeps,
  { owner, commands }: Pick<PreviewLink, "owner" | "commands">,
  { described, items }: { readonly described: DescribedStack; readonly items: Lines["items"] },
): Promise<PreviewFacts> {
  const { incarnation } = described.stack;
  // Sensitive outputs are references, which no report shows.
  const outputs = items
    .filter((line) => line.incarnation === incarnation)
    .map((line) => line.outputs)
    .filter(isMap);
  const failed = described.tasks.find(({ status }) => status === "ERROR")?.attempt;
  const log = failed?.hasLog === true ? await deps.findLogEnd(failed.attemptId) : undefined;
  const { canApprove, yardUrl } = deps;
  const actions = await deps.listLinks(described.stack);
  return describePreview({ described, outputs, owner, canApprove, yardUrl, actions, commands, ...defined({ log }) });
}
