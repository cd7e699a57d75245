import { expect, it } from "vitest";
import { addEvenly } from "./add-evenly.ts";

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
