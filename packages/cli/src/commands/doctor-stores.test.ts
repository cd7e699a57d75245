import { describe, expect, it } from "vitest";
import { toQueueFindings } from "./doctor-stores.ts";

const AT = "2026-01-31T12:00:00.000Z";

function anItem(key: string, count: number, deadAt?: string) {
  const failure = { count, firstAt: AT, lastAt: AT, message: `${key} is refused.` };
  return { queue: "reports-github", key, failure, ...(deadAt !== undefined && { deadAt }) };
}

describe("what doctor says of queues", () => {
  it("is which work has failed for good, and which fails all the time", () => {
    const items = [
      anItem("1/7", 9, AT),
      anItem("1/8", 12),
      anItem("1/9", 5),
      anItem("1/10", 4),
      { queue: "hooks", key: "a" },
    ];

    expect(toQueueFindings(items).map(({ message }) => message)).toEqual([
      "reports-github has 1 dead letter, such as 1/7: 1/7 is refused.",
      "reports-github has 2 items that failed again and again, such as 1/8: 1/8 is refused.",
    ]);
  });
});
