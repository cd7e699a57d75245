import type pg from "pg";
import { expect, it } from "vitest";
import type { Contender } from "./contender.ts";
import { addEvenly, createContenderCalls } from "./contender-calls.ts";

const contender = (start: { call?: (index: number) => void }, ended: string[]): Contender => ({
  id: "fake",
  name: "fake",
  batching: "grouped",
  settings: "",
  steps: [],
  jobs: 1,
  inProcess: false,
  doneSql: "",
  fillSql: "",
  filledWith: "",
  connect: () => ({
    prepare: () => Promise.resolve(),
    addMany: () => Promise.resolve(),
    addOne: () => Promise.resolve(),
    work(onStart) {
      start.call = onStart;
      return Promise.resolve(() => Promise.resolve(void ended.push("work")));
    },
    close: () => Promise.resolve(void ended.push("connection")),
  }),
});

it("notes the first start of each job, hands them over once, and ends work before connections", async () => {
  const start: { call?: (index: number) => void } = {};
  const ended: string[] = [];
  const watcher = { end: () => Promise.resolve(void ended.push("watcher")) } as unknown as pg.Pool;
  const calls = createContenderCalls({ contender: contender(start, ended), url: "", watcher, postgresPid: 0 });

  await calls.listen();
  for (const index of [3, 4, 3]) start.call?.(index);

  expect(await calls.countStarts()).toBe(2);
  expect((await calls.takeStarts()).map(([index]) => index)).toEqual([3, 4]);
  expect(await calls.countStarts()).toBe(0);
  await calls.close();
  expect(ended).toEqual(["work", "connection", "watcher"]);
});

it("adds each job once, in order, and gives when", async () => {
  const added: number[] = [];

  const sent = await addEvenly(
    { addOne: (index) => Promise.resolve(void added.push(index)) },
    { first: 5, rate: 10_000, count: 20 },
  );

  expect(added).toEqual(Array.from({ length: 20 }, (_, offset) => 5 + offset));
  expect(sent.map(([index]) => index)).toEqual(added);
  expect(sent.map(([, at]) => at)).toEqual(sent.map(([, at]) => at).sort((a, b) => a - b));
});
