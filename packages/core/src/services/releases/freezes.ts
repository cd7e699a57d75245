import { type Static, Type } from "typebox";
import { BY_FIELDS } from "../../access/by.ts";
import { StackyardError } from "../../errors/stackyard-error.ts";
import { compileCel } from "../../machine/expression/compile-expression.ts";
import { defined } from "../../machine/json.ts";
import { defineRecordKind, type RecordsDeps } from "../../ports/record-kind.ts";

/** A release that passes a freeze. */
const FreezeException = Type.Object({
  release: Type.String(),
  /** Another release with the same id does not pass. */
  incarnation: Type.String(),
  reason: Type.String(),
  /** Epoch milliseconds. */
  at: Type.Number(),
  ...BY_FIELDS,
});

/** A freeze: stacks to which no release sends new events. Instants are epoch milliseconds. */
export const Freeze = Type.Object({
  version: Type.Literal(1),
  name: Type.String(),
  reason: Type.String(),
  /** Stacks of this machine. Missing: of all machines. */
  machine: Type.Optional(Type.String()),
  /** CEL over `stack` and `metadata`. Missing: all of them. */
  where: Type.Optional(Type.String()),
  startedAt: Type.Number(),
  ...BY_FIELDS,
  /** When it ends by itself. Missing: a person ends it. */
  to: Type.Optional(Type.Number()),
  except: Type.Array(FreezeException),
});
export type Freeze = Static<typeof Freeze>;

/** A new freeze. */
export type NewFreeze = Pick<Freeze, "name" | "reason" | "machine" | "where" | "to" | "by" | "byId">;

/** A release that is to pass. */
export type NewException = Omit<Freeze["except"][number], "at">;

/** The freezes of a yard. One that cannot be read must not count as ended. */
export const freezes = defineRecordKind({
  prefix: "freezes/",
  value: Freeze,
  holds: "freezes",
  kept: "until they end",
});
/** An exception is a few hundred bytes, and a record has 256 KiB. */
const MOST_EXCEPTIONS = 200;

/** Returns the freezes of the yard that have not ended, by name. Throws `STORE_CORRUPT`. */
export async function listFreezes(deps: RecordsDeps): Promise<readonly Freeze[]> {
  const found: Freeze[] = [];
  for await (const freeze of freezes.all(deps)) found.push(freeze);
  return found;
}

/** Returns a freeze. Throws `NOT_FOUND`. */
export async function findFreeze(deps: RecordsDeps, name: string): Promise<Freeze> {
  return demand(name, await freezes.find(deps, name));
}

/**
 * Starts a freeze: it holds new events from now on. Throws `USAGE` for an expression with errors and an end that has
 * passed, and `RECORD_CONFLICT` for a name that is in use.
 */
export async function startFreeze(deps: RecordsDeps, freeze: NewFreeze): Promise<Freeze> {
  const { name, reason, by, byId, machine, where, to } = freeze;
  const now = deps.clock.now();
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
    ...defined({ byId }),
    except: [],
  };
  if (await freezes.add(deps, name, { value, expiresAt: to })) return value;
  const message = `A freeze "${name}" exists already. End it, or use another name.`;
  throw new StackyardError("RECORD_CONFLICT", message);
}

/**
 * Lets one release pass a freeze. Repeated: nothing changes. Throws `NOT_FOUND`, `USAGE` for too many, and `RECORD_CONFLICT`
 * for another freeze with the name than that which started then (`seen`).
 */
export function exceptRelease(
  deps: RecordsDeps,
  name: string,
  exception: NewException,
  seen?: number,
): Promise<Freeze> {
  return changeFreeze(deps, name, (freeze, at) => {
    checkSeen(freeze, seen);
    if (passesFreeze(freeze, exception)) return undefined;
    if (freeze.except.length >= MOST_EXCEPTIONS) {
      throw new StackyardError("USAGE", `At most ${MOST_EXCEPTIONS} releases pass a freeze. End "${name}" instead.`);
    }
    return { ...freeze, except: [...freeze.except, { ...exception, at }] };
  });
}

/**
 * Ends a freeze, and returns it. Throws `NOT_FOUND`, and `RECORD_CONFLICT` for another freeze with the name than that which
 * started then (`seen`).
 */
export async function endFreeze(deps: RecordsDeps, name: string, seen?: number): Promise<Freeze> {
  if (seen === undefined) return demand(name, await freezes.remove(deps, name));
  const { freeze } = await freezes.change(deps, name, (found) => {
    const before = demand(name, found?.value);
    checkSeen(before, seen);
    return { freeze: before, write: "remove" };
  });
  return freeze;
}

function checkSeen({ name, startedAt }: Freeze, seen: number | undefined): void {
  if (seen === undefined || seen === startedAt) return;
  const message = `Another freeze "${name}" started at ${new Date(startedAt).toISOString()}. Look at it first.`;
  throw new StackyardError("RECORD_CONFLICT", message);
}

/** Returns whether a release passes a freeze. */
export function passesFreeze(
  { except }: Pick<Freeze, "except">,
  { release, incarnation }: Pick<NewException, "release" | "incarnation">,
): boolean {
  return except.some((each) => each.release === release && each.incarnation === incarnation);
}

async function changeFreeze(
  deps: RecordsDeps,
  name: string,
  change: (freeze: Freeze, now: number) => Freeze | undefined,
): Promise<Freeze> {
  const { freeze } = await freezes.change(deps, name, (found, now) => {
    const before = demand(name, found?.value);
    const after = change(before, now);
    return after === undefined ? { freeze: before } : { freeze: after, write: { value: after } };
  });
  return freeze;
}

function checkWhere(where: string | undefined): void {
  if (where === undefined) return;
  const compiled = compileCel(where, ["stack", "metadata"]);
  if (compiled.kind === "cel") return;
  throw new StackyardError("USAGE", `"where" has errors: ${compiled.faults.map(({ message }) => message).join(" ")}`);
}

function demand(name: string, freeze: Freeze | undefined): Freeze {
  if (freeze !== undefined) return freeze;
  throw toUnknownFreeze(name);
}

/** Returns the error for a freeze that does not exist, or that a caller may not read. */
export function toUnknownFreeze(name: string): StackyardError {
  return new StackyardError("NOT_FOUND", `No freeze is named "${name}".`);
}
