import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { QueuedEvent } from "../ports/stack-store.ts";
import { DEFAULT_PARKING, nextTryAt, parkAgain } from "./parking.ts";

const event: QueuedEvent = { id: "e1", stackId: "s", origin: "external", message: {}, receivedAt: 0 };
const why = { event, code: "EVENT_NOT_HANDLED", reason: "no" };

describe("nextTryAt", () => {
  it("comes after 30 s, 1, 2, 4, 8 and then every 15 minutes", () => {
    const minutes: number[] = [];
    for (let now = 0; minutes.length < 7; now = nextTryAt(0, now)) minutes.push(nextTryAt(0, now) / 60_000);

    expect(minutes).toEqual([0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5]);
  });

  it("is always later than now, and never by more than 15 minutes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 0, max: 1e10 }), (parkedAt, age) => {
        const at = nextTryAt(parkedAt, parkedAt + age);

        expect(at).toBeGreaterThan(parkedAt + age);
        expect(at - parkedAt - age).toBeLessThanOrEqual(900_000);
      }),
    );
  });
});

describe("parkAgain", () => {
  it("parks a refused event for the first time", () => {
    expect(parkAgain({ ...why, before: undefined, now: 1_000 }, DEFAULT_PARKING)).toEqual({
      kind: "park",
      parked: { ...why, parkedAt: 1_000, tries: 1, nextTryAt: 31_000 },
    });
  });

  it("gives an event up after 50 tries", () => {
    const before = { ...why, parkedAt: 0, tries: 49, nextTryAt: 0 };

    expect(parkAgain({ ...why, before, now: 10 }, DEFAULT_PARKING)).toMatchObject({
      kind: "give-up",
      parked: { tries: 50 },
    });
  });

  it("gives an event up after an hour, whatever the tries", () => {
    const before = { ...why, parkedAt: 0, tries: 1, nextTryAt: 0 };

    expect(parkAgain({ ...why, before, now: 3_599_999 }, DEFAULT_PARKING).kind).toBe("park");
    expect(parkAgain({ ...why, before, now: 3_600_000 }, DEFAULT_PARKING).kind).toBe("give-up");
  });

  it("tries an event for the last time when its hour has ended", () => {
    const before = { ...why, parkedAt: 0, tries: 5, nextTryAt: 0 };

    expect(parkAgain({ ...why, before, now: 3_000_000 }, DEFAULT_PARKING).parked.nextTryAt).toBe(3_600_000);
  });
});
