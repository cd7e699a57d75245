import type { Change, CommitResult } from "@stackyard/core/engine";
import { toBooleanArray, toComparedText, toHome, toKeyText, toNumberArray, toTextArray } from "./column-values.ts";
import type { Database, Parameter } from "./database.ts";
import { toLineColumns } from "./line-text.ts";
import type { RevisionNumbers } from "./revision-numbers.ts";
import { COMMIT_RESULT_PARAMETERS, type CommitResultParameter } from "./sql/commit-functions.ts";
import { type Shape, toStatement } from "./sql/plain-statement.ts";
import { type DispatchRow, toDispatchRow, toWrittenRow, type WrittenRow } from "./stored-rows.ts";
import { parseReceipts } from "./work-queue.ts";

// Nearly every change writes a stack, lines of its history, ids of events, and ends and begins attempts: all such
// changes of a group are one statement over lists. It writes a change only where nothing speaks against it; why one was
// not written, and the changes that do more, is for `commit_change`.

/** A row of history with what ends and begins by it. */
interface Line {
  readonly n: number;
  readonly at: number;
  readonly eventId: string;
  readonly revision: number | null;
  readonly body: string | null;
  result?: AppliedResult;
  begin?: DispatchRow;
  /** True when an attempt that begins takes the row of one that ends. */
  swap?: boolean;
}

/** The lists of a group. `n`, from 1, is the change of a row. */
interface Lists {
  readonly changes: readonly Change[];
  readonly stacks: readonly WrittenRow[];
  readonly lines: readonly Line[];
  readonly applied: { readonly n: number[]; readonly id: string[] };
  readonly done: { readonly n: number[]; readonly seq: number[] };
  /** Attempts that must have ended already: results of this change are not among them. */
  readonly closed: { readonly n: number[]; readonly home: string[]; readonly id: string[] };
  /** Tokens of attempts that reuse rows of earlier ones and continue above their tokens; all others start at 1. */
  readonly tokens: Map<string, number>;
}

/** Returns true for a change that this statement can write. */
export function isPlain(change: Change): boolean {
  const { stackId, write, park, unpark, deadLetters, history, dispatches, cancels, endedAttempts } = change;
  if (change.audit !== undefined || change.retried !== undefined || change.resends !== undefined) return false;
  if (write.kind !== "put" || park.length + unpark.length + deadLetters.length + cancels.length > 0) return false;
  if (history.some((line) => line.stackId !== stackId)) return false;
  if (dispatches.some((each) => each.again || each.stackId !== stackId || endedAttempts.includes(each.attemptId)))
    return false;
  const { events, tasks } = parseReceipts(change.receipts);
  if ((change.results ?? []).length > 0) return events.length + tasks.length + change.appliedIds.length === 0;
  return tasks.length === 0 && events.every(({ stack }) => stack === toKeyText(stackId));
}

/** Writes plain changes of different stacks. A change without a result was not written: `commit_change` says why. */
export async function commitPlain(
  database: Database,
  numbers: RevisionNumbers,
  changes: readonly Change[],
): Promise<readonly (CommitResult | undefined)[]> {
  const lists = toLists(changes, numbers);
  const [change, ...others] = changes;
  if (change === undefined) return [];
  if (others.length === 0 && isOneResult(change, lists)) return [await commitResult(database, change, lists)];
  const shape = {
    isFresh: changes.some(({ expectedVersion }) => expectedVersion === 0),
    hasEvents: lists.applied.n.length + lists.done.n.length > 0,
    hasEnds: changes.some(({ results = [] }) => results.length > 0),
    hasBegins: changes.some(({ dispatches }) => dispatches.length > 0),
    hasCloses: lists.closed.n.length > 0,
  };
  const rows = await database.rows<{ n: number; version: number }>(toStatement(shape), ...toValues(lists, shape));
  const versions = new Map(rows.map(({ n, version }) => [n, version]));
  return changes.map((each, index) => toCommitted(each, versions.get(index + 1), lists.tokens));
}

const RESULT_PARAMETERS = Object.keys(COMMIT_RESULT_PARAMETERS) as readonly CommitResultParameter[];
const COMMIT_RESULT = {
  name: "commit_result",
  isLong: true as const,
  text: `select stackyard.commit_result(${RESULT_PARAMETERS.map((_, index) => `$${index + 1}`).join(", ")}) as written`,
};

/** Returns true for a change that is only the result of one attempt. */
function isOneResult({ expectedVersion }: Change, { lines: [line, ...others], closed }: Lists): boolean {
  if (expectedVersion === 0 || line === undefined || others.length + closed.n.length > 0) return false;
  return line.body !== null && line.result !== undefined && (line.begin === undefined || line.swap === true);
}

/** Commits the result of one attempt. Returns undefined when it was not written. */
async function commitResult(
  database: Database,
  change: Change,
  { stacks: [stack], lines: [line], tokens }: Lists,
): Promise<CommitResult | undefined> {
  if (stack === undefined || line?.result === undefined) return undefined;
  const { grant, outcome, log } = line.result;
  const { begin } = line;
  const values: Readonly<Record<CommitResultParameter, Parameter>> = {
    p_id: toKeyText(change.stackId),
    p_version: change.expectedVersion,
    p_data: stack.data,
    p_machine: stack.machine,
    p_state: stack.state,
    p_busy: stack.busy,
    p_trouble: stack.trouble,
    p_timer: stack.timer,
    p_updated: stack.updated,
    p_at: line.at,
    p_revision: line.revision,
    p_body: line.body,
    p_home: toHome(grant.attemptId),
    p_attempt: toComparedText(grant.attemptId),
    p_token: grant.token,
    p_holder: toKeyText(grant.owner),
    p_outcome: outcome,
    p_log: toLogText(log),
    p_sent: begin?.sent ?? null,
    p_next: begin?.id ?? null,
    p_owner: begin?.owner ?? null,
    p_lease: begin?.lease_until ?? null,
    p_timeout: begin?.timeout ?? null,
    p_deadline: begin?.deadline ?? null,
    p_due: begin?.due ?? null,
    p_secrets: begin?.secrets ?? false,
  };
  const [answer] = await database.rows<{ written: boolean }>(
    COMMIT_RESULT,
    ...RESULT_PARAMETERS.map((name) => values[name]),
  );
  return toCommitted(change, answer?.written === true ? change.expectedVersion + 1 : undefined, tokens);
}

function toLogText(log: string | undefined): string | null {
  return log === undefined ? null : JSON.stringify(log);
}

function toCommitted(
  { claims = [] }: Change,
  version: number | undefined,
  tokens: ReadonlyMap<string, number>,
): CommitResult | undefined {
  if (version === undefined) return undefined;
  if (claims.length === 0) return { kind: "committed", version };
  const grants = claims.map(({ attemptId, owner }) => ({ attemptId, owner, token: tokens.get(attemptId) ?? 1 }));
  return { kind: "committed", version, grants };
}

type AppliedResult = NonNullable<Change["results"]>[number];
type Dispatch = Change["dispatches"][number];

/** An attempt that ends with the one that takes its row over, or one of the two. */
interface Pair {
  readonly result?: AppliedResult;
  readonly dispatch?: Dispatch;
}

/**
 * Pairs attempts that end with those that take their rows over: granted ones of the same home. The others are alone.
 */
function pairAttempts({ results = [], dispatches, claims = [] }: Change): readonly Pair[] {
  const left = [...dispatches];
  const pairs: Pair[] = results.map((result) => {
    const home = toHome(result.grant.attemptId);
    const at = left.findIndex(
      ({ attemptId }) => toHome(attemptId) === home && claims.some((claim) => claim.attemptId === attemptId),
    );
    const [dispatch] = at === -1 ? [] : left.splice(at, 1);
    return dispatch === undefined ? { result } : { result, dispatch };
  });
  for (const dispatch of left) pairs.push({ dispatch });
  return pairs;
}

function toLists(changes: readonly Change[], numbers: RevisionNumbers): Lists {
  const stacks: WrittenRow[] = [];
  const lines: Line[] = [];
  const applied: Lists["applied"] = { n: [], id: [] };
  const done: Lists["done"] = { n: [], seq: [] };
  const closed: Lists["closed"] = { n: [], home: [], id: [] };
  const tokens: Lists["tokens"] = new Map();
  for (const [index, change] of changes.entries()) {
    const { write, appliedIds, receipts, endedAttempts, results = [] } = change;
    if (write.kind !== "put") throw new TypeError("A plain change writes a stack.");
    const n = index + 1;
    stacks.push(toWrittenRow(write.stack));
    addLines({ lines, tokens, numbers }, n, change);
    for (const id of appliedIds) {
      applied.n.push(n);
      applied.id.push(toComparedText(id));
    }
    for (const { seq } of parseReceipts(receipts).events) {
      done.n.push(n);
      done.seq.push(seq);
    }
    for (const id of endedAttempts) {
      if (results.some(({ grant }) => grant.attemptId === id)) continue;
      closed.n.push(n);
      closed.home.push(toHome(id));
      closed.id.push(toComparedText(id));
    }
  }
  return { changes, stacks, lines, applied, done, closed, tokens };
}

/** The lists that `addLines` adds to. */
interface LineLists {
  readonly lines: Line[];
  readonly tokens: Map<string, number>;
  readonly numbers: RevisionNumbers;
}

/** Adds the lines in their order; an end belongs to the line of its result, a beginning to any line without one. */
function addLines({ lines, tokens, numbers }: LineLists, n: number, change: Change): void {
  const { history, claims = [], now } = change;
  const first = lines.length;
  for (const entry of history) {
    const { at, id: eventId, revision, body } = toLineColumns(entry, numbers);
    lines.push({ n, at, eventId, revision, body });
  }
  for (const pair of pairAttempts(change)) {
    const eventId = pair.result === undefined ? "" : `result:${toComparedText(pair.result.grant.attemptId)}`;
    let line = findLine(lines, first, pair, eventId);
    if (line === undefined) {
      line = { n, at: now, eventId, revision: null, body: null };
      lines.push(line);
    }
    const { result, dispatch } = pair;
    if (result !== undefined) line.result = result;
    if (dispatch === undefined) continue;
    const claim = claims.find(({ attemptId }) => attemptId === dispatch.attemptId);
    line.begin = toDispatchRow(dispatch, claim, now);
    line.swap = result !== undefined;
    if (result !== undefined) tokens.set(dispatch.attemptId, result.grant.token + 1);
  }
}

/** Finds the line of a result; for an attempt that only begins any line, from `first` on, without another one. */
function findLine(lines: readonly Line[], first: number, pair: Pair, eventId: string): Line | undefined {
  for (let at = first; at < lines.length; at += 1) {
    const line = lines[at];
    const isTaken = pair.dispatch !== undefined && line?.begin !== undefined;
    if (isTaken) continue;
    if (pair.result === undefined || (line?.eventId === eventId && line.result === undefined)) return line;
  }
  return undefined;
}

function toValues({ changes, stacks, lines, applied, done, closed }: Lists, shape: Shape): readonly Parameter[] {
  return [
    toTextArray(changes.map(({ stackId }) => toKeyText(stackId))),
    toNumberArray(changes.map(({ expectedVersion }) => expectedVersion)),
    toTextArray(stacks.map(({ data }) => data)),
    toTextArray(stacks.map(({ machine }) => machine)),
    toTextArray(stacks.map(({ state }) => state)),
    toBooleanArray(stacks.map(({ busy }) => busy)),
    toNumberArray(stacks.map(({ trouble }) => trouble)),
    toNumberArray(stacks.map(({ timer }) => timer)),
    toNumberArray(stacks.map(({ created }) => created)),
    toNumberArray(stacks.map(({ updated }) => updated)),
    toNumberArray(changes.map(({ now }) => now)),
    toNumberArray(changes.map(({ appliedIds }) => appliedIds.length)),
    toBooleanArray(changes.map(({ results = [] }) => results.length > 0)),
    ...toLineValues(lines, shape),
    ...(shape.hasEvents
      ? [toNumberArray(applied.n), toTextArray(applied.id), toNumberArray(done.n), toNumberArray(done.seq)]
      : []),
    ...(shape.hasCloses ? [toNumberArray(closed.n), toTextArray(closed.home), toTextArray(closed.id)] : []),
  ];
}

function toLineValues(lines: readonly Line[], { hasEnds, hasBegins }: Shape): readonly Parameter[] {
  const values = [
    toNumberArray(lines.map(({ n }) => n)),
    toNumberArray(lines.map(({ at }) => at)),
    toTextArray(lines.map(({ eventId }) => eventId)),
    toNumberArray(lines.map(({ revision }) => revision)),
    toTextArray(lines.map(({ body }) => body)),
  ];
  if (hasEnds) {
    values.push(
      toTextArray(lines.map(({ result }) => (result === undefined ? null : toHome(result.grant.attemptId)))),
      toTextArray(lines.map(({ result }) => (result === undefined ? null : toComparedText(result.grant.attemptId)))),
      toNumberArray(lines.map(({ result }) => result?.grant.token ?? null)),
      toTextArray(lines.map(({ result }) => (result === undefined ? null : toKeyText(result.grant.owner)))),
      toTextArray(lines.map(({ result }) => result?.outcome ?? null)),
      toTextArray(lines.map(({ result }) => toLogText(result?.log))),
      toBooleanArray(lines.map(({ swap }) => swap === true)),
    );
  }
  if (hasBegins) {
    values.push(
      toTextArray(lines.map(({ begin }) => begin?.sent ?? null)),
      toTextArray(lines.map(({ begin }) => begin?.home ?? null)),
      toTextArray(lines.map(({ begin }) => begin?.id ?? null)),
      toTextArray(lines.map(({ begin }) => begin?.owner ?? null)),
      toNumberArray(lines.map(({ begin }) => begin?.lease_until ?? null)),
      toNumberArray(lines.map(({ begin }) => begin?.timeout ?? null)),
      toNumberArray(lines.map(({ begin }) => begin?.deadline ?? null)),
      toNumberArray(lines.map(({ begin }) => begin?.due ?? null)),
      toBooleanArray(lines.map(({ begin }) => begin?.secrets === true)),
    );
  }
  return values;
}
