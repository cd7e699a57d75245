import { expect, it } from "vitest";
import { createGatherer } from "./gatherer.ts";

/** Adds items in one turn after a first batch, and returns the sizes of the batches that are under way some turns later. */
async function listBatches(count: number, { commitsAtATime = 3, isApart = true } = {}): Promise<readonly number[]> {
  const batches: number[] = [];
  const gatherer = createGatherer<number, number>({
    batchSize: 256,
    commitsAtATime,
    handle: async (batch) => {
      batches.push(batch.length);
      // A store in the same thread writes at the end of the turn.
      for (let left = batches.length > 1 ? TURNS : isApart ? 4 : 1; left > 0; left -= 1) await turn();
      return batch;
    },
  });
  await gatherer.add(0);
  batches.length = 1;
  for (let item = 0; item < count; item += 1) void gatherer.add(item);
  for (let left = TURNS; left > 0; left -= 1) await turn();
  return batches.slice(1);
}

const TURNS = 10;
const turn = () => new Promise((resolve) => setImmediate(resolve));

it.each([
  [31, [31]],
  [32, [16, 16]],
  [200, [100, 100]],
  [401, [201, 200]],
  [1_000, [256, 256, 256]],
])("parts %i items that end together in two batches, unless they are few", async (count, batches) => {
  expect(await listBatches(count)).toEqual(batches);
});

it("does not part what can only be written one after the other", async () => {
  expect(await listBatches(200, { commitsAtATime: 1 })).toEqual([200]);
  expect(await listBatches(200, { isApart: false })).toEqual([200]);
});

it("decides the second part when the first has been decided and is being written", async () => {
  const done: string[] = [];
  const gatherer = createGatherer<number, number>({
    batchSize: 256,
    commitsAtATime: 2,
    handle: async (batch) => {
      for (const item of batch) {
        await Promise.resolve();
        done.push(`decide ${item}`);
      }
      setImmediate(() => done.push("send"));
      for (let left = 4; left > 0; left -= 1) await turn();
      return batch;
    },
  });

  await gatherer.add(0);
  done.length = 0;
  const items = Array.from({ length: 32 }, (_, index) => index + 1);
  await Promise.all(items.map((item) => gatherer.add(item)));

  const [first, second] = [items.slice(0, 16), items.slice(16)].map((part) => part.map((item) => `decide ${item}`));
  expect(done).toEqual([...(first ?? []), "send", ...(second ?? []), "send"]);
});
