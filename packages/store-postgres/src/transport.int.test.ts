// @module-tag promise
import { type Store, silentLogger } from "@stackyard/core";
import { createStoreTransport } from "@stackyard/core/engine";
import { aDispatch, aPut, createFakeClock, type FakeClock, transportConformance } from "@stackyard/core/testing";
import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import type { PostgresStore } from "./create-postgres-store.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
const open: PostgresStore[] = [];
beforeAll(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
});
afterAll(() => server.stop());

async function openStore(): Promise<PostgresStore> {
  const store = await server.open();
  open.push(store);
  return store;
}

/** The store, and a way to wait until none of its calls is under way. */
function track(store: Store): { readonly store: Store; readonly idle: () => Promise<void> } {
  let running = 0;
  const tracked = new Proxy(store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== "function" || name === "watch") return value;
      return async (...args: readonly unknown[]) => {
        running += 1;
        try {
          return await Reflect.apply(value, target, args);
        } finally {
          running -= 1;
        }
      };
    },
  });
  return {
    store: tracked,
    async idle() {
      // What was answered may call again within a few turns.
      for (let quiet = 0; quiet < 5; ) {
        await new Promise((resolve) => setImmediate(resolve));
        quiet = running === 0 ? quiet + 1 : 0;
      }
    },
  };
}

const FINE_MS = 10_000;
const COARSE_MS = 60_000;

/** From sleep to sleep; when much time passes, in long steps from some point on: each takes questions to the server. */
async function advance(clock: FakeClock, idle: () => Promise<void>, ms: number): Promise<void> {
  const fineEnd = clock.now() + FINE_MS;
  const end = clock.now() + ms;
  await idle();
  for (let next = clock.nextWakeAt(); next !== undefined && next <= end; next = clock.nextWakeAt()) {
    const stepMs = clock.now() < fineEnd ? next - clock.now() : Math.min(COARSE_MS, end - clock.now());
    await clock.advance(stepMs);
    await idle();
    if (stepMs === 0 && clock.now() >= end) break;
  }
  await clock.advance(end - clock.now());
  await idle();
}

describe("the transport of a PostgreSQL store", () => {
  for (const { name, run } of transportConformance) {
    it(name, () =>
      run(async () => {
        const clock = createFakeClock();
        const { store, idle } = track(await openStore());
        return {
          transport: createStoreTransport({ store, clock, logger: silentLogger }),
          async sendTask(message) {
            const [loaded] = await store.load(["s1"]);
            const dispatches = [aDispatch(message.dispatch.id, { message })];
            const change = { expectedVersion: loaded?.version ?? 0, dispatches, now: clock.now() };
            await store.commit([aPut({}, change)]);
          },
          finishEvent: ({ storeReceipt = "" }) => store.release([storeReceipt]),
          async finishTask({ attemptId }) {
            const input = { attemptId, owner: "w1", leaseMs: 3_600_000, exclusiveKeys: [], now: clock.now() };
            await store.claim(input);
          },
          advance: (ms) => advance(clock, idle, ms),
        };
      }),
    );
  }
});
