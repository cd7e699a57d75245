import { describe, expect, it } from "vitest";
import { takeRows, tellLimit } from "./take-rows.ts";

async function* count(to: number, read: number[] = []) {
  for (let number = 1; number <= to; number += 1) {
    read.push(number);
    yield number;
  }
}

describe("takeRows", () => {
  it.each([[1], [1, 2], [1, 2, 3]])("takes all of a short list, and says nothing, case %#", async (...rows) => {
    const taken = await takeRows(count(rows.length), 3);

    expect([taken, tellLimit(taken)]).toEqual([{ rows, limited: false }, ""]);
  });

  it("reads one beyond the limit, and says that there are more", async () => {
    const read: number[] = [];
    const taken = await takeRows(count(9, read), 3);

    expect([taken, read, tellLimit(taken)]).toEqual([
      { rows: [1, 2, 3], limited: true },
      [1, 2, 3, 4],
      "\n\nThese are the first 3. Give --limit for more.",
    ]);
  });

  it("takes 50 where nobody says how many", async () => {
    expect((await takeRows(count(60))).rows).toHaveLength(50);
  });
});
