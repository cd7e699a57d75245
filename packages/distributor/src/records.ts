import { backoff, type Clock, type Random, type Records } from "@stackyard/core";
import type { RecordKind, RecordsDeps } from "@stackyard/core/services";
import { type Static, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";

/** Dependencies of record changes. */
export interface RecordDeps extends RecordsDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
}

const MAX_PAUSE_MS = 500;

/** Options of records that hundreds of functions change at once: after a conflict each waits for a random time. */
export const CONTENDED = {
  tries: 40,
  pageSize: 1_000,
  pause: ({ clock, random }: RecordDeps, failed: number): Promise<void> =>
    clock.sleep(Math.ceil(random() * backoff(failed, { first: 10, most: MAX_PAUSE_MS }))),
};

/** A record of a kind. */
interface Place<Value> {
  readonly kind: RecordKind<Value, RecordDeps>;
  readonly name: string;
}

/** Changes a value; `change` returns undefined to keep it, and can be called several times. Returns the current one. What is the same is not written. */
export async function changeValue<Value>(
  deps: RecordDeps,
  { kind, name }: Place<Value>,
  change: (known: Value | undefined) => Value | undefined,
): Promise<Value | undefined> {
  const { current } = await kind.change(deps, name, (found) => {
    const value = change(found?.value);
    const isSame = value === undefined || JSON.stringify(value) === JSON.stringify(found?.value);
    return isSame ? { current: found?.value } : { current: value, write: { value } };
  });
  return current;
}

/** An account id. */
export const AccountId = Type.String({ pattern: "^\\d{12}$" });
/** A region name of any partition: `eu-west-1`, `us-gov-west-1`, `eusc-de-east-1`. */
export const Region = Type.String({ pattern: "^[a-z]{2,4}(-[a-z]{2,12}){1,3}-\\d{1,2}$" });

/** Instants are epoch milliseconds. */
export const Instant = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 });

/** Null until it happens. */
export const Moment = Type.Union([Instant, Type.Null()]);

/** A digest in hex. */
export const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });

/** Creates the parser of a schema, which returns undefined for an invalid value. */
export function createParser<Schema extends TSchema>(schema: Schema): (value: unknown) => Static<Schema> | undefined {
  const validator = Compile(schema);
  return (value) => (validator.Check(value) ? value : undefined);
}

/** Processes items one after another. A failure does not stop the others; the first error is thrown at the end. */
export async function eachApart<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const errors: unknown[] = [];
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
