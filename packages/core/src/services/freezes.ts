import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { StackyardError } from "../errors/stackyard-error.ts";
import { listPages } from "../list-pages.ts";
import { compileCel } from "../machine/expression/compile-expression.ts";
import { defined } from "../machine/json.ts";
import { changeRecord } from "../ports/change-record.ts";
import type { Clock } from "../ports/clock.ts";
import type { Records } from "../ports/records.ts";

/** A name that a freeze may have. */
export const FREEZE_NAME = "^[a-z0-9][a-z0-9-]{0,62}$";

/** A release that passes a freeze. */
const FreezeException = Type.Object({
  release: Type.String(),
  /** Another release with the same id does not pass. */
  incarnation: Type.String(),
  reason: Type.String(),
  /** Epoch milliseconds. */
  at: Type.Number(),
  by: Type.String(),
});

/** What no release sends new events to. Instants are epoch milliseconds. */
export const Freeze = Type.Object({
  version: Type.Literal(1),
  name: Type.String(),
  reason: Type.String(),
  /** Stacks of this machine. Missing: of all machines. */
  machine: Type.Optional(Type.String()),
  /** CEL over `stack` and `metadata`. Missing: all of them. */
  where: Type.Optional(Type.String()),
  startedAt: Type.Number(),
  by: Type.String(),
  /** When it ends by itself. Missing: a person ends it. */
  to: Type.Optional(Type.Number()),
  except: Type.Array(FreezeException),
});
export type Freeze = Static<typeof Freeze>;

/** Where freezes are kept. */
export interface FreezesDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}

/** A new freeze. */
export type NewFreeze = Pick<Freeze, "name" | "reason" | "machine" | "where" | "to" | "by">;

/** A release that is to pass. */
export type NewException = Omit<Freeze["except"][number], "at">;

const PREFIX = "freezes/";
const PAGE = 100;
/** An exception is a few hundred bytes, and a record has 256 KiB. */
const MOST_EXCEPTIONS = 200;

/**
 * Returns the freezes of the yard that have not ended, by name. Throws `STORE_CORRUPT` for one that cannot be read: it
 * must not count as ended.
 */
export async function listFreezes({ records, clock }: FreezesDeps): Promise<readonly Freeze[]> {
  const freezes: Freeze[] = [];
  const load = (start: object) => records.list(PREFIX, { limit: PAGE, now: clock.now(), ...start });
  for await (const { items, unreadable = [] } of listPages(load)) {
    const [damaged] = unreadable;
    if (damaged !== undefined) throw corrupt(damaged.id);
    freezes.push(...items.map(({ key, value }) => readFreeze(key, value)));
  }
  return freezes;
}

/** Returns a freeze. Throws `NOT_FOUND`. */
export async function findFreeze({ records, clock }: FreezesDeps, name: string): Promise<Freeze> {
  const key = toKey(name);
  const found = await records.get(key, clock.now());
  if (found === undefined) throw unknown(name);
  return readFreeze(key, found.value);
}

/**
 * Starts a freeze: it holds new events from now on. Throws `USAGE` for an expression with errors and an end that has
 * passed, and `RECORD_CONFLICT` for a name that is in use.
 */
export async function startFreeze({ records, clock }: FreezesDeps, freeze: NewFreeze): Promise<Freeze> {
  const { name, reason, by, machine, where, to } = freeze;
  const now = clock.now();
  checkWhere(where);
  // The instant of a leap second is valid text and NaN as a number, which a record cannot keep.
  if (to !== undefined && !(to > now)) throw new StackyardError("USAGE", `"to" must be later than now.`);
  const value: Freeze = {
    version: 1,
    name,
    reason,
    ...defined({ machine, where, to }),
    startedAt: now,
    by,
    except: [],
  };
  const put = await records.put({ key: toKey(name), value, expected: "absent", now, ...defined({ expiresAt: to }) });
  if (put.kind === "written") return value;
  const message = `A freeze "${name}" exists already. End it, or use another name.`;
  throw new StackyardError("RECORD_CONFLICT", message);
}

/** Lets one release pass a freeze. Repeated: nothing changes. Throws `NOT_FOUND`, and `USAGE` for too many. */
export function exceptRelease(deps: FreezesDeps, name: string, exception: NewException): Promise<Freeze> {
  return changeFreeze(deps, name, (freeze, at) => {
    if (passesFreeze(freeze, exception)) return undefined;
    if (freeze.except.length >= MOST_EXCEPTIONS) {
      throw new StackyardError("USAGE", `At most ${MOST_EXCEPTIONS} releases pass a freeze. End "${name}" instead.`);
    }
    return { ...freeze, except: [...freeze.except, { ...exception, at }] };
  });
}

/** Ends a freeze, and returns it. Throws `NOT_FOUND`. */
export async function endFreeze(deps: FreezesDeps, name: string): Promise<Freeze> {
  const { before } = await changeRecord({
    ...deps,
    key: toKey(name),
    decide: (found) => ({ before: found?.value, write: found === undefined ? undefined : ("remove" as const) }),
  });
  if (before === undefined) throw unknown(name);
  return readFreeze(toKey(name), before);
}

/** Returns whether a release passes a freeze. */
export function passesFreeze(
  { except }: Pick<Freeze, "except">,
  { release, incarnation }: Pick<NewException, "release" | "incarnation">,
): boolean {
  return except.some((each) => each.release === release && each.incarnation === incarnation);
}

async function changeFreeze(
  deps: FreezesDeps,
  name: string,
  change: (freeze: Freeze, now: number) => Freeze | undefined,
): Promise<Freeze> {
  const key = toKey(name);
  const { freeze } = await changeRecord({
    ...deps,
    key,
    decide(found, now) {
      if (found === undefined) throw unknown(name);
      const before = readFreeze(key, found.value);
      const after = change(before, now);
      if (after === undefined) return { freeze: before };
      return { freeze: after, write: { value: after, expiresAt: found.expiresAt } };
    },
  });
  return freeze;
}

function checkWhere(where: string | undefined): void {
  if (where === undefined) return;
  const compiled = compileCel(where, ["stack", "metadata"]);
  if (compiled.kind === "cel") return;
  throw new StackyardError("USAGE", `"where" has errors: ${compiled.faults.map(({ message }) => message).join(" ")}`);
}

function toKey(name: string): string {
  return `${PREFIX}${name}`;
}

function readFreeze(key: string, value: unknown): Freeze {
  if (Check(Freeze, value)) return value;
  throw corrupt(key);
}

function corrupt(key: string): StackyardError {
  return new StackyardError("STORE_CORRUPT", `The record "${key}" is invalid or was written by a newer version.`);
}

function unknown(name: string): StackyardError {
  return new StackyardError("NOT_FOUND", `No freeze is named "${name}".`);
}
