import { StackyardError } from "@stackyard/core";
import { fromItem } from "./attributes.ts";
import type { Table } from "./database.ts";

const KEY = { pk: "yard", sk: "counters" };

/** Which counters there are. `position`: of lines of the history. `record`: of lives of records. */
type Counter = "position" | "record";

/** Takes so many numbers of a counter, by one write. Gives the first one. */
export async function takeNumbers(work: Table, counter: Counter, count: number): Promise<number> {
  const updated = await work.update(KEY, {
    update: "ADD #counter :count",
    names: { "#counter": counter },
    values: { ":count": count },
  });
  if (updated === undefined) throw new StackyardError("INTERNAL", "The counters could not be read.");
  return Number(fromItem(updated)[counter] ?? 0) - count + 1;
}

interface Waiting {
  readonly count: number;
  resolve(first: number): void;
  reject(error: unknown): void;
}

/**
 * Takes positions of lines: without gaps, unless somebody dies with numbers in hand. Those who ask while a write of the
 * counter is under way share the next one, so that a batch of commits costs one or two.
 */
export function createPositions(work: Table): (count: number) => Promise<number> {
  let waiting: Waiting[] = [];
  let isTaking = false;

  async function takeAll(): Promise<void> {
    isTaking = true;
    while (waiting.length > 0) {
      const taken = waiting;
      waiting = [];
      try {
        const sum = taken.reduce((all, { count }) => all + count, 0);
        let first = await takeNumbers(work, "position", sum);
        for (const { count, resolve } of taken) {
          resolve(first);
          first += count;
        }
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    isTaking = false;
  }

  return (count) =>
    new Promise((resolve, reject) => {
      waiting.push({ count, resolve, reject });
      if (!isTaking) void takeAll();
    });
}
