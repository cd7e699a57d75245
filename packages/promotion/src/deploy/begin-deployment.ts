import { isDeepStrictEqual } from "node:util";
import { defined, type Failed, failed } from "@stackyard/core";
import { addItems, listItems, tallyByWave, updateItems } from "@stackyard/core/rollout";
import type { DeployDeps, Deployment } from "./deploy-deps.ts";
import { type DeployRow, type DeployState, toRow } from "./deploy-row.ts";
import { loadLostSends, type SentRows } from "./lost-tasks.ts";
import { PAGE_ROWS } from "./rows.ts";

/** The rows of an operation, in the order in which they are sent to, and what its state says about all of them. */
export interface Planned
  extends Pick<DeployState, "event" | "metadata" | "until" | "failed" | "waves" | "isRule" | "unseen" | "concurrency"> {
  readonly rows: readonly DeployRow[];
}

/** Returns the present rows of the task; undefined: it must begin. A newer entry of the release has them. */
export async function findPresent({
  rows,
  entry,
}: Pick<DeployDeps, "rows" | "entry">): Promise<
  { readonly earlier: Deployment | undefined; readonly present: Deployment | undefined } | Failed
> {
  const earlier = await rows.load();
  if (earlier === undefined) return { earlier, present: undefined };
  if (earlier.state.entry > entry) {
    const message = "The release has entered another state since. Its rows belong to that.";
    return failed({ code: "DEPLOY_OVERTAKEN", message, retryable: false });
  }
  if (earlier.state.entry < entry) return { earlier, present: undefined };
  return { earlier, present: (await recoverSent(rows, await rows.loadWaiting(earlier, 1))).deployment };
}

/** The events that a call was about to send when it died. */
interface Recovered {
  readonly deployment: Deployment;
  /** Rows whose events may not have been sent. */
  readonly ahead: readonly DeployRow[];
}

/**
 * Rows are written before the state: of a call that died in between, the rows say what it was about to send. One such row
 * on a loaded page is enough: there may be more on others.
 */
export async function recoverSent(rows: DeployDeps["rows"], given: Deployment): Promise<Recovered> {
  if (listAhead(given).length === 0) return { deployment: given, ahead: [] };
  const whole = await rows.loadAll(given);
  const ahead = listAhead(whole);
  const next = 1 + Math.max(...ahead.map(({ batch = 0 }) => batch));
  const firstSentAt = whole.state.firstSentAt ?? Math.min(...ahead.map(({ sentAt = 0 }) => sentAt));
  return { deployment: { ...whole, state: { ...whole.state, next, firstSentAt } }, ahead };
}

function listAhead(deployment: Deployment): readonly DeployRow[] {
  return listItems(deployment).filter(({ batch }) => batch !== undefined && batch >= deployment.state.next);
}

/**
 * Writes the rows of a new entry. They keep the tries of earlier entries, because a try is part of an event's id, and
 * what was before the first event.
 */
export async function beginDeployment(
  deps: DeployDeps,
  earlier: Deployment | undefined,
  { rows: selected, ...planned }: Planned & Pick<DeployState, "op" | "plan" | "approval">,
): Promise<Deployment> {
  const before = earlier === undefined ? [] : listItems(await deps.rows.loadAll(earlier));
  // A task that was renamed continues: the values before its first event are in the rows of its earlier name.
  const lost = planned.op === "send" ? (await loadLostSends(deps)).filter((each) => isSameSend(each, planned)) : [];
  const inherited = new Map(
    lost.toReversed().flatMap(({ rows: sent }) => sent.map((row) => [row.stack, row] as const)),
  );
  const merged = mergeRows(selected, before, deps.ctx.clock.now());
  const own = new Set(before.map(({ stack }) => stack));
  const rows = merged.map((row) => (own.has(row.stack) ? row : withEarlier(row, inherited.get(row.stack))));
  const state: DeployState = {
    version: 1,
    release: deps.owner,
    entry: deps.entry,
    attempt: deps.attempt,
    ...planned,
    sizes: planned.waves.map((_, wave) => selected.filter((row) => row.wave === wave).length),
    startedAt: deps.ctx.clock.now(),
    wave: 0,
    // Never lower than before.
    next: earlier?.state.next ?? 1,
    sending: [],
    tallies: [],
  };
  const deployment = addItems({ state, pages: new Map([[0, []]]) }, rows, { pageRows: PAGE_ROWS, toRow });
  await deps.rows.save(deployment);
  return deployment;
}

/** Returns true for a task that sends the same event with the same keys: one with others has done other work. */
function isSameSend({ state }: SentRows, { event, metadata }: Pick<DeployState, "event" | "metadata">): boolean {
  return state.event === event && isDeepStrictEqual(toKeys(state), toKeys({ metadata }));
}

function toKeys({ metadata }: Pick<DeployState, "metadata">): readonly string[] {
  return Object.keys(metadata).toSorted();
}

/** Selected rows with what is known of earlier entries; earlier ones that were sent to and are not selected are kept. */
export function mergeRows(
  selected: readonly DeployRow[],
  before: readonly DeployRow[],
  at: number,
): readonly DeployRow[] {
  const known = new Map(before.map((row) => [row.stack, row]));
  const chosen = new Set(selected.map(({ stack }) => stack));
  const last = selected.at(-1)?.wave ?? 0;
  // Pages of a longer entry before may not have been replaced yet when a call died.
  const left = [...known.values()]
    .filter(({ stack, from }) => !chosen.has(stack) && from !== undefined)
    // Batches are counted within an entry.
    .map(({ batch: _, ...row }): DeployRow => {
      const message = "The stack is not selected any more.";
      return { ...row, wave: last, state: "skipped", code: "NOT_SELECTED", message, at };
    });
  return [...selected.map((row) => withEarlier(row, known.get(row.stack))), ...left];
}

function withEarlier(row: DeployRow, earlier: DeployRow | undefined): DeployRow {
  if (earlier === undefined) return row;
  const isSame = row.incarnation === earlier.incarnation && earlier.state !== "undone";
  return {
    ...row,
    try: earlier.try,
    ...(isSame && defined({ from: row.from ?? earlier.from, onlyNotes: earlier.onlyNotes })),
  };
}

/** Continues the rows of an earlier attempt: what has failed or was not sent is observed again. */
export async function retryDeployment(
  deps: DeployDeps,
  present: Deployment,
  values: Pick<DeployState, "metadata" | "event" | "until" | "failed" | "plan" | "approval">,
): Promise<Deployment> {
  const whole = await deps.rows.loadAll(present);
  const { stop, endedAt, plan, approval, isChecked, checkedWave, ...kept } = whole.state;
  const isSame = isDeepStrictEqual(kept.metadata, values.metadata);
  const at = deps.ctx.clock.now();
  const seen = stop?.code === "ALARM" ? { alarmSeenAt: at } : {};
  const state: DeployState = { ...kept, ...seen, ...values, attempt: deps.attempt, waveEndedAt: undefined };
  const retried = updateItems({ ...whole, state }, toRow, (row) => retryRow(row, { isSame, at }));
  const open = tallyByWave(retried.state).findIndex(({ waiting, sent }) => waiting + sent > 0);
  const deployment = { ...retried, state: { ...retried.state, ...toOpenWave(kept, Math.max(0, open)) } };
  await deps.rows.save(deployment);
  return deployment;
}

/** Returns where a retry continues: the wave before keeps its end, so that the rest of its pause is waited for. */
function toOpenWave(
  { wave, waveEndedAt, pauses = [] }: Pick<DeployState, "wave" | "waveEndedAt" | "pauses">,
  open: number,
): Pick<DeployState, "wave" | "waveEndedAt" | "pauses"> {
  const before = open - 1;
  const ended = wave === before ? waveEndedAt : undefined;
  const endedAt = ended ?? pauses.find((pause) => pause.wave === before)?.at;
  const kept = pauses.filter((pause) => pause.wave < open);
  const pausesOf = kept.length === 0 ? {} : { pauses: kept };
  if (endedAt === undefined) return { wave: open, waveEndedAt: undefined, ...pausesOf };
  return { wave: before, waveEndedAt: endedAt, ...pausesOf };
}

function retryRow(row: DeployRow, { isSame, at }: { readonly isSame: boolean; readonly at: number }): DeployRow {
  const isLeft = row.state === "unsent" || row.code === "FROZEN";
  const isOpen = row.state === "failed" || isLeft || (!isSame && AGAIN.has(row.state));
  if (!isOpen) return row;
  const { code, message, freeze, isPlanned, ...rest } = row;
  return { ...rest, state: "waiting", at };
}

const AGAIN: ReadonlySet<string> = new Set(["done", "unchanged", "sent"]);
