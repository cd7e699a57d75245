import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MinHeap } from "./min-heap.ts";

function drain(heap: MinHeap<number>): number[] {
  const all: number[] = [];
  for (let item = heap.pop(); item !== undefined; item = heap.pop()) all.push(item);
  return all;
}

describe("MinHeap", () => {
  it("gives its items in order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (items) => {
        const heap = new MinHeap<number>((a, b) => a < b);

        for (const item of items) heap.push(item);

        expect(heap.size).toBe(items.length);
        expect(heap.peek()).toBe(items.length === 0 ? undefined : items.reduce((a, b) => Math.min(a, b)));
        expect(drain(heap)).toEqual([...items].sort((a, b) => a - b));
      }),
    );
  });

  it("is empty after it was cleared", () => {
    const heap = new MinHeap<number>((a, b) => a < b);
    heap.push(1);

    heap.clear();

    expect([heap.size, heap.peek(), heap.pop()]).toEqual([0, undefined, undefined]);
  });
});
