/** A release: of two, the one that was created later is newer. Instants are epoch milliseconds. */
export interface TurnRelease {
  readonly stack: string;
  readonly incarnation: string;
  readonly createdAt: number;
  /** The machine of the release: only releases of one machine supersede each other. Missing in records of earlier versions. */
  readonly machine?: string;
}

/** The release that has the turn. */
export interface TurnHolder extends TurnRelease {
  /** The entry of its state in which it last requested the turn. */
  readonly entry: number;
  /** It keeps the turn while its stack is in one of them. */
  readonly states: readonly string[];
}

/** A task that waits for the turn. */
export interface TurnWaiter extends TurnRelease {
  readonly entry: number;
  readonly task: string;
  /** When its attempt was dispatched. Missing in records of earlier versions. */
  readonly since?: number;
  /** A newer release got the turn: its id. */
  readonly supersededBy?: string;
}

/** The record of a turn. */
export interface TurnRecord {
  readonly version: 1;
  readonly holder?: TurnHolder;
  /** At most `MOST_WAITING`, the newest: the others ask again, and have no place meanwhile. */
  readonly waiting: readonly TurnWaiter[];
  /** The last grant while more waited than have a place: it supersedes those too. */
  readonly passed?: TurnGrant;
}

/** A turn that was granted to a release, at an instant. */
interface TurnGrant extends TurnRelease {
  readonly at: number;
}

/** The releases that have a place among those that wait: what a record may hold, with ids of every length. */
export const MOST_WAITING = 100;

/** Where a stack is now. */
export interface TurnPlace {
  readonly incarnation: string;
  readonly state: string;
  readonly entry: number;
  /** Tasks of its state that have not ended. */
  readonly pending: readonly string[];
}

/** Who asks. */
export interface TurnRequest {
  readonly waiter: TurnWaiter;
  readonly states: readonly string[];
  /** False: another condition of the gate is closed. It keeps its place, and takes nothing. */
  readonly mayTake: boolean;
  readonly now: number;
}

/** The result for one request, and the record to store: the same object when nothing changes. */
export type TurnDecision = { readonly record: TurnRecord } & (
  | { readonly kind: "granted" }
  | { readonly kind: "superseded"; readonly by: string }
  /** `holder`: it has the turn. Else `next`, a newer release that waits, is about to get it; missing: this one. */
  | { readonly kind: "waits"; readonly holder?: TurnHolder; readonly next?: string }
);

/** The record of a turn that was never requested. */
export const NEW_TURN: TurnRecord = { version: 1, waiting: [] };

/** Returns the stacks whose places decide about a turn. */
export function listTurnStacks({ holder, waiting }: TurnRecord): readonly string[] {
  return [...new Set([...(holder === undefined ? [] : [holder]), ...waiting].map(({ stack }) => stack))];
}

/**
 * Decides about a request. A turn is kept while its holder is in one of its states. A free one goes to the newest release
 * that waits; the older ones of its machine are superseded, and so is one that is older than the holder. `places`: a stack that is not
 * in it does not exist. Pure; the caller stores the record under the condition that it has not changed.
 */
export function decideTurn(
  record: TurnRecord,
  request: TurnRequest,
  places: ReadonlyMap<string, TurnPlace>,
): TurnDecision {
  const { waiter, mayTake } = request;
  const { holder } = record;
  const known = record.waiting.find((each) => isSame(each, waiter));
  if (known?.supersededBy !== undefined) {
    return { kind: "superseded", by: known.supersededBy, record: without(record, waiter) };
  }
  if (holder !== undefined && isSame(holder, waiter)) return renew(record, holder, request);
  const passed = known === undefined ? findPassed(record, waiter) : undefined;
  if (passed !== undefined) return { kind: "superseded", by: passed.stack, record };
  if (holder !== undefined && keepsTurn(holder, places.get(holder.stack))) {
    if (isNewer(holder, waiter) && holder.machine === waiter.machine)
      return { kind: "superseded", by: holder.stack, record: without(record, waiter) };
    return { kind: "waits", holder, record: withWaiter(record, waiter) };
  }
  const live = record.waiting.filter((each) => !isSame(each, waiter) && isWaiting(each, places.get(each.stack)));
  const rivals = live.filter(({ supersededBy }) => supersededBy === undefined);
  const newer = rivals.filter((each) => isNewer(each, waiter));
  const [first] = newer;
  if (first !== undefined) {
    const next = newer.reduce((best, each) => (isNewer(each, best) ? each : best), first);
    return { kind: "waits", next: next.stack, record: withWaiter(record, waiter) };
  }
  if (!mayTake) return { kind: "waits", record: withWaiter(record, waiter) };
  return grant(record, request, live);
}

/** Gives the turn to who asks: those of its machine that wait, and those without a place, are superseded. */
function grant(
  { waiting: before, passed }: TurnRecord,
  { waiter, states, now }: TurnRequest,
  live: readonly TurnWaiter[],
): TurnDecision {
  const { stack, incarnation, createdAt, entry, machine } = waiter;
  const of = machine === undefined ? {} : { machine };
  const waiting = live.map((each) => {
    return each.machine === machine ? { ...each, supersededBy: each.supersededBy ?? stack } : each;
  });
  const own = { stack, incarnation, createdAt, ...of };
  const last = before.length >= MOST_WAITING ? { ...own, at: now } : passed;
  const passing = last === undefined ? {} : { passed: last };
  return { kind: "granted", record: { version: 1, holder: { ...own, entry, states }, waiting, ...passing } };
}

/** Returns which newer release of its machine got the turn while a release without a place waited. */
function findPassed({ passed }: TurnRecord, { since, ...waiter }: TurnWaiter): TurnGrant | undefined {
  if (passed === undefined || since === undefined || since > passed.at) return undefined;
  return passed.machine === waiter.machine && isNewer(passed, waiter) ? passed : undefined;
}

/** Returns who has a turn and who waits for it, the newest first. Pure. */
export function describeTurn(
  { holder, waiting }: TurnRecord,
  places: ReadonlyMap<string, TurnPlace>,
): Pick<TurnRecord, "holder" | "waiting"> {
  const isKept = holder !== undefined && keepsTurn(holder, places.get(holder.stack));
  const live = waiting.filter((each) => each.supersededBy === undefined && isWaiting(each, places.get(each.stack)));
  return { ...(isKept && { holder }), waiting: live.toSorted((a, b) => (isNewer(a, b) ? -1 : 1)) };
}

/** The write of a new entry makes every decision fail that has seen this stack outside of its states. */
function renew(record: TurnRecord, holder: TurnHolder, { waiter, states }: TurnRequest): TurnDecision {
  const isKnown = holder.entry === waiter.entry && holder.states.join("\n") === states.join("\n");
  if (isKnown) return { kind: "granted", record: without(record, waiter) };
  return {
    kind: "granted",
    record: { ...without(record, waiter), holder: { ...holder, entry: waiter.entry, states } },
  };
}

/** Removes a release from those that wait, as after a cancel. */
export function without(record: TurnRecord, release: TurnRelease): TurnRecord {
  const waiting = record.waiting.filter((each) => !isSame(each, release));
  return waiting.length === record.waiting.length ? record : { ...record, waiting };
}

function withWaiter(record: TurnRecord, waiter: TurnWaiter): TurnRecord {
  const known = record.waiting.find((each) => isSame(each, waiter));
  if (known?.entry === waiter.entry && known.task === waiter.task) return record;
  const waiting = [...without(record, waiter).waiting, waiter];
  if (waiting.length <= MOST_WAITING) return { ...record, waiting };
  const oldest = waiting.reduce((last, each) => (isNewer(last, each) ? each : last));
  return oldest === waiter ? record : { ...record, waiting: waiting.filter((each) => each !== oldest) };
}

function isSame(one: TurnRelease, other: TurnRelease): boolean {
  return one.stack === other.stack && one.incarnation === other.incarnation;
}

function isNewer(one: TurnRelease, other: TurnRelease): boolean {
  if (one.createdAt !== other.createdAt) return one.createdAt > other.createdAt;
  return one.stack > other.stack;
}

function keepsTurn({ incarnation, states }: TurnHolder, place: TurnPlace | undefined): boolean {
  return place?.incarnation === incarnation && states.includes(place.state);
}

/** A task that has ended otherwise, or whose stack has moved, does not wait any more. */
function isWaiting({ incarnation, entry, task }: TurnWaiter, place: TurnPlace | undefined): boolean {
  return place?.incarnation === incarnation && place.entry === entry && place.pending.includes(task);
}
