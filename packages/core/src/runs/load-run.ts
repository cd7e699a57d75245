import { parseRunSource, RUN_MACHINE, type RunSource } from "../machine/run-machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { Clock } from "../ports/clock.ts";
import type { HistoryEntry } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import { findRunRecord, type RunRecord } from "./run-record.ts";
import { type RunView, toRunView } from "./to-run-view.ts";

/** What a run is looked up with. */
export interface LoadRunDeps {
  readonly store: Pick<Store, "load" | "queries" | "revisions" | "records">;
  readonly clock: Clock;
}

/** Lines that may lie on top of a run's last end: repeats of its start, late answers. */
const LINES = 50;

/** How a run stands; undefined when there is none of that id, or nothing is kept of it any more. */
export async function findRun(deps: LoadRunDeps, runId: string): Promise<RunView | undefined> {
  const { store, clock } = deps;
  const [[loaded], record] = await Promise.all([store.load([runId]), findRunRecord(store.records, runId, clock.now())]);
  return toView(deps, runId, loaded?.stack, record);
}

/** As `findRun`, of a stack that a list has brought. */
export async function toListedRun(deps: LoadRunDeps, stack: Stack): Promise<RunView | undefined> {
  return toView(deps, stack.id, stack, undefined);
}

async function toView(
  { store }: LoadRunDeps,
  runId: string,
  stack: Stack | undefined,
  record: RunRecord | undefined,
): Promise<RunView | undefined> {
  if (stack !== undefined && stack.machine !== RUN_MACHINE) return undefined;
  const [{ items: lines }, attempts] = await Promise.all([
    store.queries.listHistory({ stackId: runId, newestFirst: true }, { limit: LINES }),
    stack === undefined ? [] : store.queries.listAttempts(runId),
  ]);
  const source = await findSource(store, stack?.machineHash ?? record?.revision ?? findHash(lines));
  if (source === undefined) return undefined;
  return toRunView({ runId, source, stack, lines, attempt: attempts[0], askedAt: record?.askedAt });
}

function findHash(lines: readonly HistoryEntry[]): string | undefined {
  return lines.find(({ machineHash }) => machineHash !== undefined)?.machineHash;
}

async function findSource(
  { revisions }: Pick<Store, "revisions">,
  hash: string | undefined,
): Promise<RunSource | undefined> {
  const revision = hash === undefined ? undefined : await revisions.get(hash);
  // The id may be that of any stack, and its history of any machine.
  return revision?.name === RUN_MACHINE ? parseRunSource(revision.source) : undefined;
}
