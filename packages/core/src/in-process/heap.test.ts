import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createHeap } from "./queue.ts";

describe("createHeap", () => {
  it("gives what was pushed in order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (pushed) => {
        const heap = createHeap<number>((a, b) => a < b);
        for (const item of pushed) heap.push(item);

        const popped = pushed.map(() => heap.pop());

        expect(popped).toEqual(pushed.toSorted((a, b) => a - b));
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});
