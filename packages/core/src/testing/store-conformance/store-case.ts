import assert from "node:assert/strict";
import { isStackyardError } from "../../errors/stackyard-error.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";

/** A case with a fresh store that is closed at the end, whatever becomes of it. */
export function storeCase(name: string, run: (store: Store) => Promise<void>): ConformanceCase<Store> {
  return {
    name,
    async run(create) {
      const store = await create();
      try {
        await run(store);
      } finally {
        await store.close();
      }
    },
  };
}

/** Holds when the call fails with an error of ours under that code. */
export async function assertRejects(call: () => Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.equal(isStackyardError(error) ? error.code : error, code);
    return true;
  });
}

/** The members of a union that may be of that kind. */
type OfKind<Union, Kind> = Union extends { readonly kind: infer Own } ? (Kind extends Own ? Union : never) : never;

/** The value as the wanted member of its union, or a failure that shows the whole value. */
export function expectKind<Union extends { readonly kind: string }, Kind extends Union["kind"]>(
  value: Union | undefined,
  kind: Kind,
): Union & OfKind<Union, Kind> {
  if (value !== undefined && isKind(value, kind)) return value;
  return assert.fail(`Expected "${kind}", got ${JSON.stringify(value)}.`);
}

function isKind<Union extends { readonly kind: string }, Kind extends Union["kind"]>(
  value: Union,
  kind: Kind,
): value is Union & OfKind<Union, Kind> {
  return value.kind === kind;
}

/** The value, which must be there. */
export function expectThere<Value>(value: Value | undefined): Value {
  if (value === undefined) assert.fail("Expected a value, got undefined.");
  return value;
}
