import { describe, expect, it } from "vitest";
import { countOld } from "./prune.ts";
import { HOUR, T0 } from "./testing/store-work.ts";

const keep = { historyMs: 0, deadLetterMs: 0, settledAttemptMs: 0, eventIdMs: HOUR };
const ids = [T0, T0, T0 + 1].map((at, index) => [`e${index}`, at] as const);

describe("countOld", () => {
  it("counts from the oldest one on to the first that is young enough", () => {
    const now = T0 + HOUR + 1;

    expect(countOld({ ids, idCount: 3 }, { ...keep, eventIdCount: 0 }, now)).toBe(2);
    expect(countOld({ ids, idCount: 3 }, { ...keep, eventIdCount: 0 }, now + 1)).toBe(3);
  });

  it("leaves the last ones of all that there ever were", () => {
    expect(countOld({ ids, idCount: 3 }, { ...keep, eventIdCount: 2 }, T0 + 9 * HOUR)).toBe(1);
    expect(countOld({ ids, idCount: 90 }, { ...keep, eventIdCount: 1000 }, T0 + 9 * HOUR)).toBe(0);
  });
});
