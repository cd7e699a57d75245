import { describe, expect, it } from "vitest";
import { applyChange, toPlaceKey } from "./release-place-record.ts";

const AT = { account: "111122223333", region: "eu-west-1", project: "team/shop", config: "prod" };
const T0 = Date.UTC(2030, 0, 1);
const input = { now: T0, stackId: "run-1" };

describe("the record of a place", () => {
  it("has a key of its own, whatever the names contain", () => {
    expect(toPlaceKey(AT)).toBe("release-places/111122223333/eu-west-1/team%2Fshop/prod");
  });

  it("keeps what runs while it is locked and unlocked, and the lock while releases end", () => {
    const released = applyChange(AT, undefined, {
      ...input,
      change: { running: { releaseId: "r1", revision: "abc" } },
    });
    const locked = applyChange(AT, released, {
      ...input,
      now: T0 + 1,
      change: { lock: { user: "ada", reason: "freeze" } },
    });
    const again = applyChange(AT, locked, { now: T0 + 2, stackId: "run-2", change: { running: { releaseId: "r2" } } });
    const unlocked = applyChange(AT, again, { ...input, now: T0 + 3, change: { lock: "unlocked" } });

    const running = { releaseId: "r1", revision: "abc", since: "2030-01-01T00:00:00.000Z", stackId: "run-1" };
    const lock = { user: "ada", reason: "freeze", since: "2030-01-01T00:00:00.001Z" };
    expect(locked).toEqual({ ...AT, running, lock, updatedAt: "2030-01-01T00:00:00.001Z" });
    const next = { releaseId: "r2", since: "2030-01-01T00:00:00.002Z", stackId: "run-2" };
    expect(again).toEqual({ ...AT, running: next, lock, updatedAt: "2030-01-01T00:00:00.002Z" });
    expect(unlocked).toEqual({ ...AT, running: next, updatedAt: "2030-01-01T00:00:00.003Z" });
  });

  it("has a bounded size", () => {
    const reason = "x".repeat(100_000);

    const place = applyChange(AT, undefined, { ...input, change: { lock: { user: "ada", reason } } });

    expect(JSON.stringify(place).length).toBeLessThan(2_000);
  });
});
