import { defined } from "@stackyard/core";
import type { LoadedStack, SeenStack } from "@stackyard/core/engine";
import { addTallies, listItems } from "@stackyard/core/rollout";
import type { Hold, Holds } from "../hold.ts";
import { type Aims, decideRow, end, hold } from "./decide-row.ts";
import type { Changes, DeployDeps, Deployment } from "./deploy-deps.ts";
import { type DeployRow, findAlarmsSince } from "./deploy-row.ts";
import { findSeen, loadStacks, toObserved } from "./observe-stacks.ts";

/** The checks of one row before its event is sent. */
export interface Checks {
  /** The holds, or undefined if nothing holds the row back. */
  readonly holds: Holds | undefined;
  readonly skipFrozen: boolean;
  /** Returns the row as it may be sent, or as it has ended. Undefined: no plan is followed. */
  readonly checkPlan: ((row: DeployRow, loaded: LoadedStack) => Promise<DeployRow>) | undefined;
  /** Returns why the event must not be sent to such a stack at all. */
  readonly findSensitive: (loaded: LoadedStack) => Promise<string | undefined>;
  /** The machine of a stack that is created. */
  readonly machine: string;
}

/** Rows that wait, as they are now. */
export interface WaitingRows {
  readonly deployment: Deployment;
  /** May be sent to now. */
  readonly ready: readonly DeployRow[];
  /** Those that changed; their stacks are not ready. */
  readonly changes: Changes;
  /** Nothing more may be sent. */
  readonly fails?: { readonly code: string; readonly message: string };
  /** The next instant at which a hold may open. */
  readonly until?: number;
}

/**
 * Rows that are loaded and observed at a time: as many as are wanted, within these. Where none of them may be sent to, as
 * under a freeze, it is more each time.
 */
const [FEWEST, MOST] = [10, 200] as const;

/** All of a stack's metadata, twice, and its releases: more than a row needs, and less than a record may have. */
const MOST_ROW_BYTES = 200 * 1_024;

/** Observes rows of the present wave that wait, in their order, until so many may be sent to. */
export async function observeWaiting(
  deps: DeployDeps,
  given: Deployment,
  { aims, checks, wanted }: { readonly aims: Aims; readonly checks: Checks; readonly wanted: number },
): Promise<WaitingRows> {
  let deployment = given;
  const found: Found = { ready: [], changes: new Map() };
  const seen = new Set<string>();
  let size = Math.min(MOST, Math.max(FEWEST, wanted));
  while (found.ready.length < wanted && found.fails === undefined) {
    deployment = await deps.rows.loadWaiting(deployment, seen.size + size);
    const { wave } = deployment.state;
    const next = listItems(deployment)
      .filter((row) => row.state === "waiting" && row.wave <= wave && !seen.has(row.stack))
      .slice(0, size);
    for (const { stack } of next) seen.add(stack);
    await observeRows(deps, next, { aims, checks, wanted, deployment, found });
    const isAll = seen.size >= addTallies(deployment.state.tallies.flat()).waiting;
    if (next.length === 0 || isAll) break;
    size = Math.min(MOST, 2 * size);
  }
  return { deployment, ...found };
}

/** Grows while rows are observed. */
interface Found {
  readonly ready: DeployRow[];
  readonly changes: Map<string, DeployRow>;
  fails?: { readonly code: string; readonly message: string };
  until?: number;
}

interface Observation {
  readonly aims: Aims;
  readonly checks: Checks;
  readonly wanted: number;
  readonly deployment: Deployment;
  readonly found: Found;
}

async function observeRows(deps: DeployDeps, rows: readonly DeployRow[], input: Observation): Promise<void> {
  const { aims, checks, wanted, deployment, found } = input;
  const loaded = await loadStacks(
    deps.yard,
    rows.map(({ stack }) => stack),
  );
  const since = findAlarmsSince(deployment.state);
  for (const row of rows) {
    if (found.ready.length >= wanted || found.fails !== undefined) break;
    const stack = findSeen(loaded, row.stack);
    const seenRow = await observeWaitingRow(row, stack, { aims, checks, ...defined({ since }) });
    take(found, row, seenRow);
  }
}

function take(found: Found, row: DeployRow, observed: ObservedRow): void {
  switch (observed.kind) {
    case "ready":
      found.ready.push(observed.row);
      break;
    case "fails":
      found.fails = { code: observed.code, message: observed.message };
      break;
    case "row":
      if (observed.row !== row) found.changes.set(row.stack, observed.row);
      if (observed.until !== undefined) found.until = Math.min(found.until ?? observed.until, observed.until);
      break;
  }
}

type ObservedRow =
  | { readonly kind: "ready"; readonly row: DeployRow }
  | { readonly kind: "row"; readonly row: DeployRow; readonly until?: number }
  | { readonly kind: "fails"; readonly code: string; readonly message: string };

interface RowChecks {
  readonly aims: Aims;
  readonly checks: Checks;
  readonly since?: number;
}

async function observeWaitingRow(
  row: DeployRow,
  loaded: SeenStack,
  { aims, checks, ...at }: RowChecks,
): Promise<ObservedRow> {
  const { stack } = loaded;
  const observed = decideRow(row, toObserved(loaded), aims);
  if (observed.state === "unchanged") {
    return { kind: "row", row: (await checks.checkPlan?.(observed, loaded)) ?? observed };
  }
  if (!isReady(observed)) return { kind: "row", row: observed };
  const { machine, holds, skipFrozen } = checks;
  // Nothing happens to a stack whose release is only noted, so nothing holds that back.
  const held = observed.onlyNotes
    ? undefined
    : await holds?.examine({ stackId: row.stack, machine, ...defined({ stack }), ...at });
  if (held?.kind === "fails") return held;
  if (held?.kind === "closed") return holdBack(row, held, { aims, skipFrozen });
  const planned = (await checks.checkPlan?.(observed, loaded)) ?? observed;
  if (!isReady(planned)) return { kind: "row", row: planned };
  const sensitive = await checks.findSensitive(loaded);
  if (sensitive !== undefined) {
    const message = `${sensitive} is sensitive in the stack. A release sends only values that may be shown.`;
    return { kind: "row", row: end(row, aims, { state: "failed", code: "METADATA_SENSITIVE", message }) };
  }
  if (Buffer.byteLength(JSON.stringify(planned)) <= MOST_ROW_BYTES) return { kind: "ready", row: planned };
  const message = `The present values are too long to be kept for an undo: at most ${MOST_ROW_BYTES} bytes with their releases.`;
  return { kind: "row", row: end(row, aims, { state: "failed", code: "FROM_TOO_LARGE", message }) };
}

/** Returns true for a row that may be sent to. */
export function isReady({ state, code }: DeployRow): boolean {
  return state === "waiting" && code === undefined;
}

function holdBack(
  row: DeployRow,
  { code, message, freeze, until }: Extract<Hold, { kind: "closed" }>,
  { aims, skipFrozen }: { readonly aims: Aims; readonly skipFrozen: boolean },
): ObservedRow {
  if (code === "FROZEN" && skipFrozen) return { kind: "row", row: end(row, aims, { state: "skipped", code, message }) };
  return { kind: "row", row: hold(row, aims, { code, message, ...defined({ freeze }) }), ...defined({ until }) };
}
