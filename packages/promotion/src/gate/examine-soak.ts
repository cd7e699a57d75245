import { chunk, type ExecutorContext, type Stack } from "@stackyard/core";
import type { SeenStack, YardService } from "@stackyard/core/engine";
import { parseDuration } from "@stackyard/core/machine";
import type { DeployRow, DeployState } from "../deploy/deploy-row.ts";
import { listRowPages, type RowsInput } from "../deploy/rows.ts";
import { type Condition, closed, formatInstant, never, OPEN } from "./condition.ts";

/** The stacks of a task, and how long they must have kept its values. */
export interface SoakInput {
  readonly of: string;
  /** A duration such as `24h`. */
  readonly for: string;
  /** The rows of the task; undefined: it has none. */
  readonly deployed: DeployState | undefined;
}

/** What the soak is examined with. */
export interface SoakDeps extends Pick<ExecutorContext, "records" | "clock"> {
  readonly yard: Pick<YardService, "load" | "findChanges">;
}

/** Examines soaks. What it has seen stays in memory: each further look loads only the stacks that have changed since. */
export interface SoakWatch {
  /**
   * Examines whether the stacks of a task have kept its values since they arrived, for so long, without a failure. The
   * time of a stack begins again when a failure of it was resolved, and when another release has set the same values.
   * Other values, and another incarnation, never hold any more: `STACK_MOVED`. A stack that the machine may no longer
   * read holds the gate closed, as it may have failed: `STACK_HIDDEN`. `attemptId`: of the gate.
   */
  examine(deps: SoakDeps, attemptId: string, input: SoakInput): Promise<Condition>;
}

/** What an examination has found. */
interface Seen {
  /** The mark of the yard before it. */
  readonly mark: string;
  /** The state of the rows, as text. */
  readonly deployed: string;
  /** The rows that have arrived, by their stacks. */
  readonly rows: ReadonlyMap<string, DeployRow>;
  /** Releases whose rows say when unchanged stacks have arrived. */
  readonly releases: ReadonlySet<string>;
  /** The stack whose time began last. */
  readonly begun: Begun;
  /** What the first stack has that does not soak; those behind it were not examined. */
  readonly fault?: Exclude<Condition, { kind: "open" }>;
}

/** Rows in memory, of all gates together: each has some hundred bytes. */
const MOST_ROWS = 20_000;

/** Creates a watch that has seen nothing. */
export function createSoakWatch(): SoakWatch {
  const known = new Map<string, Seen>();

  function remember(attemptId: string, seen: Seen): void {
    known.delete(attemptId);
    known.set(attemptId, seen);
    let rows = [...known.values()].reduce((sum, each) => sum + each.rows.size, 0);
    for (const [id, each] of known) {
      if (rows <= MOST_ROWS) return;
      known.delete(id);
      rows -= each.rows.size;
    }
  }

  return {
    async examine(deps, attemptId, { of, for: length, deployed }) {
      if (deployed === undefined) return closed("SOAKING", `The task "${of}" has sent nothing yet.`);
      if (deployed.endedAt === undefined) return closed("SOAKING", `The task "${of}" has not ended yet.`);
      const soak = { of, deployed, length };
      const seen = await look(deps, soak, known.get(attemptId));
      const condition = seen.fault ?? toCondition(deps, soak, seen);
      // Another grant changes no stack, so the next look is at all of them.
      if (condition.kind === "closed" && condition.code !== HIDDEN) remember(attemptId, seen);
      else known.delete(attemptId);
      return condition;
    },
  };
}

/** A soak whose task has ended. */
interface Soak {
  readonly of: string;
  readonly length: string;
  readonly deployed: DeployState;
}

/** Looks at what has changed since the last look. Before the gate opens, at every stack. */
async function look(deps: SoakDeps, soak: Soak, before: Seen | undefined): Promise<Seen> {
  const again = before && (await lookAgain(deps, soak, before));
  if (again === undefined || (again.fault === undefined && isOver(deps, soak, again))) return lookAtAll(deps, soak);
  return again;
}

async function lookAtAll(deps: SoakDeps, { of, deployed }: Soak): Promise<Seen> {
  const { records, clock, yard } = deps;
  const { mark } = await yard.findChanges();
  const rows = new Map<string, DeployRow>();
  const releases = new Set<string>();
  const seen = { mark, deployed: JSON.stringify(deployed), rows, releases };
  for await (const page of listRowPages({ records, clock, owner: deployed.release })) {
    const undone = page.find(({ state }) => state === "undone");
    if (undone !== undefined) {
      return {
        ...seen,
        begun: NOT_BEGUN,
        fault: never("STACK_MOVED", `${undone.stack} was undone after the task "${of}".`),
      };
    }
    for (const row of page) if (row.state === "done" || row.state === "unchanged") rows.set(row.stack, row);
  }
  return { ...seen, ...(await examineRows(deps, { rows: [...rows.values()], deployed, releases, begun: NOT_BEGUN })) };
}

/** Returns what has changed since the last look; undefined: that does not suffice. */
async function lookAgain(deps: SoakDeps, { deployed }: Soak, before: Seen): Promise<Seen | undefined> {
  if (before.deployed !== JSON.stringify(deployed)) return undefined;
  const { mark, stacks } = await deps.yard.findChanges(before.mark);
  if (stacks === undefined || [...before.releases].some((id) => stacks.has(id))) return undefined;
  const changed = [...stacks].flatMap((id) => before.rows.get(id) ?? []);
  if (changed.length === 0) return { ...before, mark };
  if (before.fault !== undefined) return undefined;
  const releases = new Set(before.releases);
  const examined = await examineRows(deps, { rows: changed, deployed, releases, begun: before.begun });
  return { ...before, mark, releases, ...examined };
}

/** The stack whose time began last. */
interface Begun {
  readonly at: number;
  readonly stack: string | undefined;
}

const NOT_BEGUN: Begun = { at: Number.NEGATIVE_INFINITY, stack: undefined };

function toEnd({ length }: Soak, { begun }: Seen): number {
  return begun.at + (parseDuration(length) ?? 0);
}

function isOver({ clock }: SoakDeps, soak: Soak, seen: Seen): boolean {
  return seen.begun.stack === undefined || toEnd(soak, seen) <= clock.now();
}

function toCondition(deps: SoakDeps, soak: Soak, seen: Seen): Condition {
  const { at, stack } = seen.begun;
  if (stack === undefined || isOver(deps, soak, seen)) return OPEN;
  const { of, length } = soak;
  const until = toEnd(soak, seen);
  const since = `${stack} counts from ${formatInstant(at)}`;
  return closed("SOAKING", `The stacks of "${of}" soak for ${length} until ${formatInstant(until)}: ${since}.`, until);
}

interface RowsToExamine {
  readonly rows: readonly DeployRow[];
  readonly deployed: DeployState;
  readonly begun: Begun;
  /** Releases are added whose rows are read. */
  readonly releases: Set<string>;
}

/** Stacks that are loaded together. */
const CHUNK = 200;

/** Examines the stacks of rows until one does not soak. */
async function examineRows(
  deps: SoakDeps,
  { rows, deployed, releases, begun: before }: RowsToExamine,
): Promise<Pick<Seen, "begun" | "fault">> {
  const arrivals = createArrivals(deps, releases);
  let begun = before;
  for (const part of chunk(rows, CHUNK)) {
    const loaded = new Map((await deps.yard.load(part.map(({ stack }) => stack))).map((each) => [each.stackId, each]));
    for (const row of part) {
      const start = await examineRow(row, { loaded: loaded.get(row.stack), deployed, arrivals });
      if (start === undefined) continue;
      if (start.kind !== "open") return { begun, fault: start };
      if (start.at > begun.at) begun = { at: start.at, stack: row.stack };
    }
  }
  return { begun };
}

const HIDDEN = "STACK_HIDDEN";

function toHidden({ stack }: DeployRow): Start {
  const advice = `Grant its machine the role "viewer" for the stack again.`;
  return closed(HIDDEN, `This release may no longer read ${stack}, so it is not known whether it soaks. ${advice}`);
}

interface RowFacts {
  readonly loaded: Pick<SeenStack, "stack" | "hidden"> | undefined;
  readonly deployed: DeployState;
  readonly arrivals: Arrivals;
}

/** Undefined: the stack was removed, and its rule selects what there is. */
async function examineRow(row: DeployRow, { loaded, deployed, arrivals }: RowFacts): Promise<Start | undefined> {
  if (loaded?.hidden) return toHidden(row);
  const stack = loaded?.stack;
  if (stack === undefined && deployed.isRule) return undefined;
  if (stack === undefined) return never("STACK_MISSING", `${row.stack} was removed.`);
  const moved = findMove(row, stack, deployed);
  if (moved !== undefined) return never("STACK_MOVED", moved);
  return toStart(stack, await arrivals.findArrival(row, stack, deployed), deployed);
}

function findMove({ incarnation }: DeployRow, stack: Stack, { metadata }: DeployState): string | undefined {
  const { id } = stack;
  if (incarnation !== undefined && incarnation !== stack.incarnation) return `${id} was removed and created again.`;
  const changed = Object.keys(metadata).find((key) => (stack.metadata[key] ?? null) !== (metadata[key] ?? null));
  return changed === undefined ? undefined : `${id} has another value of ${changed} than the release has set.`;
}

type Start = { readonly kind: "open"; readonly at: number } | NonNullable<Seen["fault"]>;

/** Returns when the time of a stack began; closed while a failure of it is open. */
function toStart(stack: Stack, arrivedAt: number, { metadata }: DeployState): Start {
  const { id, lastFailure, failed } = stack;
  const set = Object.keys(metadata).map((key) => stack.releases?.[key]?.at ?? 0);
  const at = Math.max(arrivedAt, ...set);
  if (failed) return closed("STACK_FAILED", `${id} has failed in ${stack.state}. Retry its task, or undo the release.`);
  if (lastFailure === undefined || lastFailure.at <= arrivedAt) return { kind: "open", at };
  const { task, state, resolvedAt, acknowledgedAt } = lastFailure;
  const endedAt = resolvedAt ?? acknowledgedAt;
  if (endedAt !== undefined) return { kind: "open", at: Math.max(at, endedAt) };
  const advice = `It counts again after the task has succeeded or the failure is acknowledged.`;
  return closed("STACK_FAILED", `The task "${task}" of ${id} failed in ${state} since it arrived. ${advice}`);
}

/** Finds when stacks have arrived. */
interface Arrivals {
  findArrival(row: DeployRow, stack: Stack, deployed: DeployState): Promise<number>;
}

/** An unchanged stack has arrived with the release that has set its values: the rows of that one know when. */
function createArrivals({ yard, records, clock }: SoakDeps, releases: Set<string>): Arrivals {
  const known = new Map<string, Promise<ReadonlyMap<string, number>>>();
  async function load(release: string, createdAt: number, task: string): Promise<ReadonlyMap<string, number>> {
    const [loaded] = await yard.load([release]);
    const { stack } = loaded ?? {};
    if (stack?.createdAt !== createdAt) return new Map();
    return loadArrivals({ records, clock, owner: { stackId: release, incarnation: stack.incarnation, task } });
  }
  return {
    async findArrival(row, stack, { metadata }) {
      if (row.state === "done") return row.at;
      const times = Object.keys(metadata).map(async (key) => {
        const set = stack.releases?.[key];
        if (set === undefined) return row.at;
        releases.add(set.id);
        const name = JSON.stringify([set.id, set.createdAt, set.task]);
        const arrivals = known.get(name) ?? load(set.id, set.createdAt, set.task);
        known.set(name, arrivals);
        // The rows are kept for 90 days, and a release that is gone has none: then it counts from here.
        return (await arrivals).get(stack.id) ?? row.at;
      });
      return Math.max(...(await Promise.all(times)));
    },
  };
}

async function loadArrivals(input: RowsInput): Promise<ReadonlyMap<string, number>> {
  const arrivals = new Map<string, number>();
  for await (const rows of listRowPages(input)) {
    for (const { stack, state, at } of rows) if (state === "done") arrivals.set(stack, at);
  }
  return arrivals;
}
