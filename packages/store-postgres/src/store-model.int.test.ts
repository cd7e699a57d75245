// @module-tag promise
import type { Store } from "@stackyard/core";
import { type DurableStore, playStoreModel, type StoreMove } from "@stackyard/core/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { PostgresStore } from "./create-postgres-store.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** After a kill of the process there is what the server has; its connections end. */
async function createDurableStore(wrap: (store: Store) => Store = (store) => store): Promise<DurableStore> {
  const schema = server.newSchema();
  let open: PostgresStore | undefined;
  return {
    async open() {
      open = await server.open({ schema });
      return wrap(open);
    },
    crash: async () => open?.close(),
  };
}

/** The store under the ids that the engine gives attempts, which begin with their stacks; its callers know short ones. */
function renameAttempts(store: Store): Store {
  const toLong = (text: string) =>
    text.replace(/\ba(\d)\b/g, (_, n: string) => `s${Number(n) % 2}/incarnation/${n}/plan/1`);
  const toShort = (text: string) => text.replace(/\bs\d\/incarnation\/(\d)\/plan\/1/g, "a$1");
  const map = (value: unknown, change: (text: string) => string): unknown =>
    value === undefined ? undefined : JSON.parse(change(JSON.stringify(value)));
  const rename = <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return async (...args: readonly unknown[]) => {
          const given = args.map((arg) => map(arg, toLong));
          return map(await Reflect.apply(member, target, given), toShort);
        };
      },
    });
  return rename({ ...store, queries: rename(store.queries) });
}

const moves: fc.Arbitrary<readonly StoreMove[]> = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), {
  minLength: 40,
  maxLength: 80,
});

describe("the PostgreSQL store compared with the model", () => {
  it.each([
    ["any ids", undefined],
    ["the engine's ids", renameAttempts],
  ])(
    "answers and shows the same after every move, with %s of attempts",
    async (_, wrap) => {
      await fc.assert(
        fc.asyncProperty(moves, (list) => playStoreModel(list, () => createDurableStore(wrap))),
        { numRuns: process.env["LONG_TESTS"] ? 100 : 1 },
      );
    },
    240_000,
  );
});
