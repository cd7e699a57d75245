import type { DeployRow, DeployState, Value } from "./deploy-row.ts";
import type { PlanEntry } from "./plan-entry.ts";

/** Stacks that tasks bring from one value of a key to another. */
export interface VersionChanges {
  readonly key: string;
  /** Missing: the key had no value. */
  readonly from?: Value;
  readonly to: Value;
  /** In the order in which they were given. */
  readonly tasks: readonly string[];
  readonly stacks: number;
}

/** The facts about one task. */
export interface TaskChanges {
  readonly task: string;
  /** The rows that the task has sent, or undefined if it has not begun. */
  readonly sent:
    | { readonly state: Pick<DeployState, "op" | "metadata">; readonly rows: readonly DeployRow[] }
    | undefined;
  /** The entries of the last plan, for stacks to which nothing was sent yet. */
  readonly planned: readonly PlanEntry[];
}

/** A value that changes. */
type Change = Pick<VersionChanges, "key" | "from" | "to">;

interface Found {
  readonly change: Change;
  readonly tasks: Set<string>;
  readonly stacks: Set<string>;
}

/**
 * Lists the values that tasks change, by the order of the tasks, then those with most stacks. What was before is what a stack
 * had before the first event of the release, whatever has failed since; after an undo nothing is.
 */
export function listVersionChanges(tasks: readonly TaskChanges[]): readonly VersionChanges[] {
  const found = new Map<string, Found>();
  for (const each of tasks) {
    for (const move of listMoves(each)) {
      for (const change of listChanges(move)) {
        const id = JSON.stringify([change.key, change.from ?? null, change.to]);
        const known = found.get(id) ?? { change, tasks: new Set(), stacks: new Set() };
        found.set(id, known);
        known.tasks.add(each.task);
        known.stacks.add(move.stack);
      }
    }
  }
  const place = ([first]: Found["tasks"]) => tasks.findIndex(({ task }) => task === first);
  return [...found.values()]
    .toSorted((a, b) => place(a.tasks) - place(b.tasks) || b.stacks.size - a.stacks.size)
    .map(({ change, tasks: names, stacks }) => ({ ...change, tasks: [...names], stacks: stacks.size }));
}

interface Move {
  readonly stack: string;
  readonly from: Readonly<Record<string, Value | undefined>>;
  readonly to: Readonly<Record<string, Value>>;
}

function listChanges({ from, to }: Move): readonly Change[] {
  return Object.entries(to).flatMap(([key, value]) => {
    const before = from[key] ?? undefined;
    return before === value ? [] : [{ key, ...(before !== undefined && { from: before }), to: value }];
  });
}

function listMoves({ task, sent, planned }: TaskChanges): readonly Move[] {
  // An undo of this name says nothing about what a release brings.
  if (sent?.state.op === "undo") return [];
  const rows = sent?.rows ?? [];
  const begun = new Set(rows.filter(isBegun).map(({ stack }) => stack));
  const isToMove = ({ task: of, does, stack }: PlanEntry) =>
    of === task && (does === "move" || does === "create") && !begun.has(stack);
  return [...rows.flatMap((row) => toMoves(row, sent?.state.metadata ?? {})), ...planned.filter(isToMove)];
}

/** Nothing of the plan counts for it any more. */
function isBegun({ from, state }: DeployRow): boolean {
  return from !== undefined || (state !== "waiting" && state !== "unsent");
}

function toMoves({ stack, from }: DeployRow, to: Move["to"]): readonly Move[] {
  if (from === undefined) return [];
  return [{ stack, from: Object.fromEntries(Object.entries(from).map(([key, { value }]) => [key, value])), to }];
}
