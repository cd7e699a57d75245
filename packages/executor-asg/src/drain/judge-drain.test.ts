import { describe, expect, it } from "vitest";
import { type DrainFacts, judgeDrain } from "./judge-drain.ts";

function judge(over: Partial<DrainFacts> = {}) {
  return judgeDrain({ attachments: [], remaining: {}, now: 100_000, beganAt: undefined, budgetSeconds: 60, ...over });
}

const removing = { group: "old", kind: "classic", id: "web", state: "Removing" } as const;

describe("judgeDrain", () => {
  it("is drained where nothing was attached", () => {
    expect(judge()).toEqual({ kind: "drained" });
  });

  it("is drained when all is removed, and the groups are empty", () => {
    expect(judge({ attachments: [{ ...removing, state: "Removed" }], remaining: { old: 0 } })).toEqual({
      kind: "drained",
    });
  });

  it.each(["Adding", "Added", "InService", "Removing", "unknown"])("waits while a source is %s", (state) => {
    expect(judge({ attachments: [{ ...removing, state }] })).toEqual({
      kind: "waiting",
      message: `Not detached yet: "old" is still ${state} in web.`,
    });
  });

  it("waits while servers end", () => {
    expect(judge({ remaining: { old: 2 } })).toEqual({
      kind: "waiting",
      message: 'Not detached yet: "old" still has 2 instances.',
    });
  });

  it.each([
    [40_001, "waiting"],
    [40_000, "over"],
  ])("began at %i: is %s after its time", (beganAt, kind) => {
    expect(judge({ attachments: [removing], beganAt }).kind).toBe(kind);
  });

  it("has no end of its own where nobody noted the beginning", () => {
    expect(judge({ attachments: [removing], now: Number.MAX_SAFE_INTEGER }).kind).toBe("waiting");
  });

  it("is drained after its time, too", () => {
    expect(judge({ beganAt: 0 })).toEqual({ kind: "drained" });
  });
});
