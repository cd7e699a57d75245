import type { Executor, Records, Store } from "@stackyard/core";
import { expect, it } from "vitest";
import { aReleaseYard } from "../testing/a-release-yard.ts";

/** Counts the writes of records whose keys begin with `promotion/`. */
function countWrites(store: Store, count: (key: string) => void): Store {
  const records: Records = {
    ...store.records,
    put(input) {
      if (input.key.startsWith("promotion/")) count(input.key);
      return store.records.put(input);
    },
  };
  return { ...store, records };
}

it("writes at most 1,000 records for 400 stacks that arrive one by one", { timeout: 60_000 }, async () => {
  const keys: string[] = [];
  const bench = aReleaseYard({ wrapStore: (store) => countWrites(store, (key) => keys.push(key)) });
  await bench.addTenants(400);
  bench.pace.spreadMs = 2_100;

  await bench.start("1.42.0");
  await bench.finish("1.42.0");

  expect(await bench.tallyOf("1.42.0")).toBe("done 400");
  expect(keys.length).toBeLessThanOrEqual(1_000);
  expect(keys.length).toBeGreaterThan(100);
});

it("writes nothing while nothing changes", async () => {
  const keys: string[] = [];
  const bench = aReleaseYard({ wrapStore: (store) => countWrites(store, (key) => keys.push(key)) });
  await bench.addTenants(20);
  bench.pace.buildMs = 1_800_000;
  await bench.start("1.42.0");
  await bench.yard.advance(10_000);
  const before = keys.length;

  await bench.yard.advance(600_000);

  expect(keys.length).toBe(before);
});

it("looks once at what has arrived in the call that ends it", async () => {
  let looks = 0;
  const startCount = (executor: Executor): Executor => ({
    ...executor,
    async poll(...input) {
      looks = 0;
      return (await executor.poll?.(...input)) as never;
    },
  });
  const countLooks = (store: Store): Store => ({
    ...store,
    load(ids) {
      if (ids.includes("t0")) looks += 1;
      return store.load(ids);
    },
  });
  const bench = aReleaseYard({ wrapStore: countLooks, plant: startCount });
  await bench.addTenants(20);
  bench.pace.spreadMs = 2_100;

  await bench.start("1.42.0");
  await bench.finish("1.42.0");

  expect(looks).toBe(1);
});
