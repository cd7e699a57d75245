import { chunk, defined, type ExecutorContext, isLimitReached, noteLook, type Stack } from "@stackyard/core";
import {
  evaluateArrival,
  evaluateDeed,
  type SeenStack,
  type StackMove,
  type YardService,
} from "@stackyard/core/engine";
import { formatDuration, parseDuration } from "@stackyard/core/machine";
import type { Before, DeployRow, DeployState } from "../deploy/deploy-row.ts";
import { createRowFinder, listRowPages } from "../deploy/rows.ts";
import { type Condition, closed, formatInstant, LONGEST_SLEEP_MS, never, OPEN } from "./condition.ts";
import type { SoakTime } from "./definition.ts";

/** The stacks of a task, and how long they must have kept its values. */
export interface SoakInput {
  readonly of: string;
  /** A duration such as `24h`. */
  readonly for: string;
  /** The rows of the task; undefined: it has none. */
  readonly deployed: DeployState | undefined;
  /** The result of the last look. */
  readonly before?: SoakTime | undefined;
}

/** The dependencies of the examination of a soak. */
export interface SoakDeps extends Pick<ExecutorContext, "records" | "clock"> {
  readonly yard: Pick<YardService, "load" | "findChanges" | "findMoves">;
}

/** Examines soaks. What it has seen stays in memory: each further look loads only the stacks that have changed since. */
export interface SoakWatch {
  /**
   * Examines whether the stacks of a task have kept its values since they arrived, for so long, and have rested where it
   * wants them. The gate is closed while one of them has failed, is stalled or overdue, or rests elsewhere; the time of
   * the stack begins again after that, and when another release has set the same values. Checks that end well do not
   * interrupt. Other values, and another incarnation, never hold any more: `STACK_MOVED`; nor does a soak of nothing:
   * `SOAK_EMPTY`. A stack that the machine may no longer read holds the gate closed, as it may have failed:
   * `STACK_HIDDEN`. Time in which the gate did not look does not count. `attemptId`: of the gate.
   */
  examine(deps: SoakDeps, attemptId: string, input: SoakInput): Promise<Condition>;
}

/** The result of a look at the stacks. */
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
  /** The fault of the first stack that does not soak; those behind it were not observed. */
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
    async examine(deps, attemptId, { of, for: length, deployed, before }) {
      if (deployed === undefined) return closed("SOAKING", `The task "${of}" has sent nothing yet.`);
      if (deployed.endedAt === undefined) return closed("SOAKING", `The task "${of}" has not ended yet.`);
      const soak = { of, deployed, length, before };
      const seen = await observe(deps, soak, known.get(attemptId));
      const condition = toCondition(deps, soak, seen);
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
  readonly before: SoakTime | undefined;
}

/** Observes what has changed since the last look. Before the gate opens, every stack. */
async function observe(deps: SoakDeps, soak: Soak, before: Seen | undefined): Promise<Seen> {
  const again = before && (await observeChanged(deps, soak, before));
  const isEnough = again !== undefined && (again.fault !== undefined || !isOver(deps, soak, again));
  return isEnough ? again : observeAll(deps, soak);
}

async function observeAll(deps: SoakDeps, { of, deployed }: Soak): Promise<Seen> {
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
        fault: never("STACK_MOVED", `${toName(undone.stack, deployed)} was undone after the task "${of}".`),
      };
    }
    for (const row of page) if (row.state === "done" || row.state === "unchanged") rows.set(row.stack, row);
  }
  return { ...seen, ...(await observeRows(deps, { rows: [...rows.values()], deployed, releases, begun: NOT_BEGUN })) };
}

/** Returns what has changed since the last look; undefined: that does not suffice. */
async function observeChanged(deps: SoakDeps, { deployed }: Soak, before: Seen): Promise<Seen | undefined> {
  if (before.deployed !== JSON.stringify(deployed)) return undefined;
  const { mark, stacks } = await deps.yard.findChanges(before.mark);
  if (stacks === undefined || [...before.releases].some((id) => stacks.has(id))) return undefined;
  const changed = [...stacks].flatMap((id) => before.rows.get(id) ?? []);
  if (changed.length === 0) return { ...before, mark };
  if (before.fault !== undefined) return undefined;
  const releases = new Set(before.releases);
  const observed = await observeRows(deps, { rows: changed, deployed, releases, begun: before.begun });
  return { ...before, mark, releases, ...observed };
}

/** The stack whose time began last. */
interface Begun {
  readonly at: number;
  readonly stack: string | undefined;
}

const NOT_BEGUN: Begun = { at: Number.NEGATIVE_INFINITY, stack: undefined };

/** Notes this look at a soak. What was unwatched before its time began does not matter. */
function noteTime({ clock }: SoakDeps, { before }: Soak, { begun, fault }: Seen): SoakTime {
  const now = clock.now();
  const troubledAt = fault === undefined ? before?.troubledAt : now;
  const since = Math.max(begun.at, troubledAt ?? begun.at);
  const unwatchedMs = before?.since === since ? before.unwatchedMs : 0;
  const last = before && { lookedAt: Math.max(before.lookedAt, since), unwatchedMs };
  return { since, ...noteLook(last, { now, everyMs: LONGEST_SLEEP_MS }), ...defined({ troubledAt }) };
}

function toEnd({ length }: Soak, since: number): number {
  return since + (parseDuration(length) ?? 0);
}

function isOver(deps: SoakDeps, soak: Soak, seen: Seen): boolean {
  const time = noteTime(deps, soak, seen);
  return seen.begun.stack === undefined || isLimitReached(toEnd(soak, time.since), time);
}

function toCondition(deps: SoakDeps, soak: Soak, seen: Seen): Condition {
  const { of, length, deployed } = soak;
  const { stack } = seen.begun;
  const time = noteTime(deps, soak, seen);
  if (seen.fault?.kind === "closed") return { ...seen.fault, soak: time };
  if (seen.fault !== undefined) return seen.fault;
  if (stack === undefined && deployed.sizes.some((size) => size > 0)) {
    return never("SOAK_EMPTY", `No stack of "${of}" has arrived and is still there, so nothing soaks.`);
  }
  if (stack === undefined || isOver(deps, soak, seen)) return OPEN;
  const until = toEnd(soak, time.since) + time.unwatchedMs;
  const last = deployed.isRule ? "the last of them" : stack;
  const since = `${last} counts from ${formatInstant(time.since)}`;
  const message = `The stacks of "${of}" soak for ${length} until ${formatInstant(until)}: ${since}${toUnwatched(time)}.`;
  return { ...closed("SOAKING", message, until), soak: time };
}

function toUnwatched({ unwatchedMs }: SoakTime): string {
  if (unwatchedMs === 0) return "";
  return `, without the ${formatDuration(Math.round(unwatchedMs / 60_000) * 60_000)} in which no worker looked`;
}

interface RowsToObserve {
  readonly rows: readonly DeployRow[];
  readonly deployed: DeployState;
  readonly begun: Begun;
  /** Releases are added whose rows are read. */
  readonly releases: Set<string>;
}

/** Stacks that are loaded together. */
const CHUNK = 200;

/** Observes the stacks of rows until one does not soak. */
async function observeRows(
  deps: SoakDeps,
  { rows, deployed, releases, begun: before }: RowsToObserve,
): Promise<Pick<Seen, "begun" | "fault">> {
  const arrivals = createArrivals(deps, releases);
  let begun = before;
  for (const part of chunk(rows, CHUNK)) {
    const loaded = new Map((await deps.yard.load(part.map(({ stack }) => stack))).map((each) => [each.stackId, each]));
    for (const row of part) {
      const start = await observeStack(row, { loaded: loaded.get(row.stack), deployed, arrivals, yard: deps.yard });
      if (start === undefined) continue;
      if (start.kind !== "open") return { begun, fault: start };
      if (start.at > begun.at) begun = { at: start.at, stack: row.stack };
    }
  }
  return { begun };
}

const HIDDEN = "STACK_HIDDEN";

/** Who may read a release may not read all stacks that a rule selects: then they have no names here, nor what failed there. */
function toName(stack: string, { isRule }: Pick<DeployState, "isRule">): string {
  return isRule ? "One of the stacks" : stack;
}

function toHidden({ stack }: DeployRow, deployed: DeployState): Start {
  const advice = `Grant its machine the role "viewer" for the stack again.`;
  const name = toName(stack, deployed);
  return closed(
    HIDDEN,
    `${name} may no longer be read by this release, so it is not known whether it soaks. ${advice}`,
  );
}

interface RowFacts {
  readonly loaded: Pick<SeenStack, "stack" | "hidden"> | undefined;
  readonly deployed: DeployState;
  readonly arrivals: Arrivals;
  readonly yard: Pick<YardService, "findMoves">;
}

/** Returns the start of the soak of one stack, or undefined if it was removed and a rule selects the stacks. */
async function observeStack(row: DeployRow, facts: RowFacts): Promise<Start | undefined> {
  const { loaded, deployed } = facts;
  if (loaded?.hidden) return toHidden(row, deployed);
  const stack = loaded?.stack;
  if (stack === undefined && deployed.isRule) return undefined;
  if (stack === undefined) return never("STACK_MISSING", `${row.stack} was removed.`);
  const moved = findMove(row, stack, deployed);
  if (moved !== undefined) return never("STACK_MOVED", moved);
  return findStart(row, stack, facts);
}

function findMove({ incarnation }: DeployRow, stack: Stack, deployed: DeployState): string | undefined {
  const { metadata } = deployed;
  const name = toName(stack.id, deployed);
  if (incarnation !== undefined && incarnation !== stack.incarnation) return `${name} was removed and created again.`;
  const changed = Object.keys(metadata).find((key) => (stack.metadata[key] ?? null) !== (metadata[key] ?? null));
  return changed === undefined ? undefined : `${name} has another value of ${changed} than the release has set.`;
}

type Start = { readonly kind: "open"; readonly at: number } | NonNullable<Seen["fault"]>;

/** Finds when the time of a stack began; closed while it does not stand where the task wants it. */
async function findStart(row: DeployRow, stack: Stack, { deployed, arrivals, yard }: RowFacts): Promise<Start> {
  const { id, state, releases, enteredAt } = stack;
  const name = toName(id, deployed);
  const standing = evaluateArrival(stack, deployed);
  if (standing.kind === "failed") {
    const why = deployed.isRule ? "" : ` ${standing.message}`;
    return closed(standing.code, `${name} does not soak.${why} ${AGAIN}`);
  }
  if (standing.kind === "elsewhere") return closed("STACK_ELSEWHERE", `${name} rests in ${state}. ${AGAIN}`);
  const set = Object.keys(deployed.metadata).flatMap((key) => [releases?.[key]?.at ?? 0, findEnd(stack, key)]);
  const arrivedAt = await arrivals.findArrival(row, stack, deployed);
  const at = Math.max(arrivedAt, ...set);
  if (enteredAt <= at) return { kind: "open", at };
  const left = findReturn(await yard.findMoves(stack, at), deployed, { state, enteredAt });
  if (left !== "away") return { kind: "open", at: Math.max(at, left) };
  return closed("STACK_ELSEWHERE", `${name} is in ${state}, on its way back. ${AGAIN}`);
}

/** Returns since when the work with the value of a key is done; 0 where that is not known. */
function findEnd(stack: Stack, key: string): number {
  const verdict = evaluateDeed(stack, key);
  return verdict.kind === "unknown" ? 0 : (verdict.deed.restedAt ?? 0);
}

const AGAIN = "Its time begins again when it is back.";

/**
 * Returns when a stack has come back last from where its time does not count: from a state of `failed`, or from one that
 * something else than the success of its tasks has ended, as a check does. `away`: it is not back yet.
 */
function findReturn(
  moves: readonly StackMove[],
  { until, failed }: DeployState,
  { state, enteredAt }: Pick<Stack, "state" | "enteredAt">,
): number | "away" {
  const isThere = (each: string) => until.length === 0 || until.includes(each);
  // The history may be shorter than the soak: what it does not have is unknown.
  if (moves.at(-1)?.to !== state) return isThere(state) ? enteredAt : "away";
  let returnedAt = 0;
  let isTroubled = false;
  for (const { from, to, at, isSuccess } of moves) {
    isTroubled ||= failed.includes(to) || (!isThere(from) && !isSuccess);
    if (!isTroubled || !isThere(to) || failed.includes(to)) continue;
    returnedAt = at;
    isTroubled = false;
  }
  return isTroubled ? "away" : returnedAt;
}

/** Finds when stacks have arrived. */
interface Arrivals {
  findArrival(row: DeployRow, stack: Stack, deployed: DeployState): Promise<number>;
}

/** Releases that a stack had the values of, one after another. */
const MOST_STEPS = 100;

/** An unchanged stack has arrived with the release that has set its values: the rows of that one know when. */
function createArrivals(deps: SoakDeps, releases: Set<string>): Arrivals {
  const findRow = createRowFinder(deps, (id) => releases.add(id));

  async function findSet(row: DeployRow, { id, releases: present }: Stack, key: string): Promise<number> {
    let arrived: DeployRow | undefined = row;
    for (let steps = 0; arrived?.state === "unchanged" && steps < MOST_STEPS; steps += 1) {
      const before: Before = arrived.from?.[key] ?? defined({ value: present?.[key]?.value, release: present?.[key] });
      const { value, release } = before;
      arrived = release && release.value === value ? await findRow(release, id) : undefined;
    }
    // The rows are kept for 90 days, and what a person has set has none: then it counts from here.
    return arrived?.state === "done" ? arrived.at : row.at;
  }

  return {
    async findArrival(row, stack, { metadata }) {
      const times = Object.keys(metadata).map((key) => findSet(row, stack, key));
      return Math.max(...(await Promise.all(times)));
    },
  };
}
