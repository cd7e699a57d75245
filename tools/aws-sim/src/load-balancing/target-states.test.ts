import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTargetStates } from "./target-states.ts";

const ID = "i-00000001";
const instant = fc.integer({ min: 1, max: 1_000 });

describe("a target", () => {
  it("is checked, then as its course says, at any instant", () => {
    fc.assert(
      fc.property(instant, instant, instant, (healthyAt, wellFor, now) => {
        const targets = createTargetStates();
        const unhealthyAt = healthyAt + wellFor;
        targets.register({ id: ID }, { healthyAt, unhealthyAt });

        const expected = now < healthyAt ? "initial" : now < unhealthyAt ? "healthy" : "unhealthy";
        expect(targets.find(ID, now)).toEqual({ id: ID, port: undefined, state: expected });
      }),
    );
  });

  it("drains for its whole period, however often that is asked for, and is gone", () => {
    fc.assert(
      fc.property(instant, instant, fc.array(instant, { maxLength: 5 }), (now, drainMs, again) => {
        const targets = createTargetStates();
        targets.register({ id: ID }, { healthyAt: 0 });
        const endsAt = targets.deregister({ id: ID }, { now, drainMs });

        for (const later of again.filter((each) => each < drainMs)) {
          expect(targets.deregister({ id: ID }, { now: now + later, drainMs })).toBe(endsAt);
        }
        expect(endsAt).toBe(now + drainMs);
        expect(targets.find(ID, endsAt - 1)?.state).toBe("draining");
        expect([targets.find(ID, endsAt), targets.list(endsAt)]).toEqual([undefined, []]);
      }),
    );
  });

  it("is as it was set last, even where its course had said otherwise", () => {
    const targets = createTargetStates();
    targets.register({ id: ID, port: 80 }, { healthyAt: 10 });
    targets.set({ id: ID, port: 80, state: "unavailable", at: 20 });

    expect([5, 10, 20].map((now) => targets.find(ID, now)?.state)).toEqual(["initial", "healthy", "unavailable"]);
  });

  it("never becomes healthy where its course never says so", () => {
    const targets = createTargetStates();
    targets.register({ id: ID }, { healthyAt: Number.POSITIVE_INFINITY });

    expect(targets.find(ID, Number.MAX_SAFE_INTEGER)?.state).toBe("initial");
  });

  it("is none before it was registered, and known afterwards", () => {
    const targets = createTargetStates();

    const before = [targets.knows(ID), targets.find(ID, 0), targets.deregister({ id: ID }, { now: 5, drainMs: 9 })];
    targets.set({ id: ID, state: "healthy", at: 100 });

    expect(before).toEqual([false, undefined, 5]);
    expect([targets.knows(ID), targets.find(ID, 99)]).toEqual([true, undefined]);
  });
});
