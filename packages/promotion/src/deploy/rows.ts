import { hash } from "node:crypto";
import { type Clock, defined, type Records } from "@stackyard/core";
import { createPages, type Pages, requireEmpty } from "@stackyard/core/rollout";
import { type DeployRow, type DeployState, type SetBy, toRow } from "./deploy-row.ts";
import { withParts } from "./long-records.ts";
import { noteProgress } from "./progress-curve.ts";

/** Whose rows: a task of a release. */
export type RowsOwner = DeployState["release"];

/** Rows of a page. Where they are long, as with many values before, its record has parts. */
export const PAGE_ROWS = 200;

/** The time for which rows are kept after they were written, in milliseconds. */
export const ROWS_KEPT_MS = 90 * 86_400_000;

/** The dependencies of the rows of one task. */
export interface RowsInput {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
  readonly owner: RowsOwner;
}

/** Opens the rows of a task, for one call: it notices when another worker writes them. They are kept for 90 days. */
export function openRows({ records, clock, owner }: RowsInput): Pages<DeployRow, DeployState> {
  const prefix = toPrefix(owner);
  const pages = createPages<DeployRow, DeployState>({
    records: withParts(records, { keepMs: ROWS_KEPT_MS }),
    clock,
    key: { state: `${prefix}/state`, page: (number) => `${prefix}/rows/${number}` },
    keepMs: ROWS_KEPT_MS,
    toRow,
    // Only this file writes these records.
    page: { read: (value) => value as readonly DeployRow[], fit: (rows) => rows, toHead: () => ({}) },
  });
  return {
    ...pages,
    save: (deployment) => pages.save({ ...deployment, state: noteProgress(deployment.state, clock.now()) }),
  };
}

/** Returns the state of a task's rows; undefined: it has none. */
export async function findDeployState({ records, clock, owner }: RowsInput): Promise<DeployState | undefined> {
  const record = await records.get(`${toPrefix(owner)}/state`, clock.now());
  return record?.value as DeployState | undefined;
}

/** Yields the rows of a task, page by page from one on, in the order in which they are sent to. */
export async function* listRowPages(input: RowsInput, first = 0): AsyncGenerator<readonly DeployRow[]> {
  const state = await findDeployState(input);
  for (let number = first; state !== undefined && number < state.tallies.length; number += 1) {
    yield await loadRowPage(input, state, number);
  }
}

/** Loads a page of a task's rows, from 0. Throws `STORE_CORRUPT` when its record is gone and the state counts rows there. */
export async function loadRowPage(
  { records, clock, owner }: RowsInput,
  state: Pick<DeployState, "tallies">,
  number: number,
): Promise<readonly DeployRow[]> {
  const key = `${toPrefix(owner)}/rows/${number}`;
  const record = await withParts(records, { keepMs: ROWS_KEPT_MS }).get(key, clock.now());
  if (record === undefined) requireEmpty(state, number, key);
  // Only `openRows` writes these records.
  return (record?.value ?? []) as readonly DeployRow[];
}

const STATES_AT_ONCE = 1_000;

/** Lists the states of all tasks of a release that have rows, also of tasks that its machine does not have any more. */
export async function listDeployStates(
  { records, clock }: Pick<RowsInput, "records" | "clock">,
  owner: Omit<RowsOwner, "task">,
): Promise<readonly DeployState[]> {
  const states: DeployState[] = [];
  let cursor: string | undefined;
  do {
    const page = { limit: STATES_AT_ONCE, now: clock.now(), ...defined({ cursor }) };
    const found = await records.list(toReleasePrefix(owner), page);
    for (const { key, value } of found.items) {
      // Only this file writes these records.
      if (key.endsWith("/state")) states.push(value as DeployState);
    }
    cursor = found.cursor;
  } while (cursor !== undefined);
  return states;
}

/** Returns the beginning of the keys of a task's records. Ids and names of tasks may be longer than a key. */
export function toPrefix({ task, ...owner }: RowsOwner): string {
  return `${toReleasePrefix(owner)}${toShort([task])}`;
}

function toReleasePrefix({ stackId, incarnation }: Omit<RowsOwner, "task">): string {
  return `promotion/deploy/${toShort([stackId, incarnation])}/`;
}

function toShort(parts: readonly string[]): string {
  return hash("sha256", JSON.stringify(parts), "hex").slice(0, 32);
}

/** Finds the row of a stack in the task that has set a value of it; undefined: the rows are gone. */
export type RowFinder = (setBy: SetBy, stack: string) => Promise<DeployRow | undefined>;

/** Creates one that reads the rows of each task once. `onRead` gets the ids of the releases whose rows are read. */
export function createRowFinder(
  { records, clock }: Pick<RowsInput, "records" | "clock">,
  onRead: (release: string) => void = () => {},
): RowFinder {
  const known = new Map<string, Promise<ReadonlyMap<string, DeployRow>>>();
  async function read({ id, incarnation, task }: SetBy): Promise<ReadonlyMap<string, DeployRow>> {
    const rows = new Map<string, DeployRow>();
    const owner = { stackId: id, incarnation, task };
    for await (const page of listRowPages({ records, clock, owner })) for (const row of page) rows.set(row.stack, row);
    return rows;
  }
  return async (setBy, stack) => {
    onRead(setBy.id);
    const name = JSON.stringify([setBy.id, setBy.incarnation, setBy.task]);
    const rows = known.get(name) ?? read(setBy);
    known.set(name, rows);
    return (await rows).get(stack);
  };
}
