import { describe, expect, it } from "vitest";
import type { CopyFault } from "./copy-fault.ts";
import { type FaultCounts, settleFault } from "./settle-fault.ts";

function play(fault: CopyFault, deliveries: number): readonly string[] {
  let counts: FaultCounts = {};
  return Array.from({ length: deliveries }, (_, index) => {
    const settled = settleFault(fault, counts, index + 1);
    counts = settled.kind === "retry" ? settled.counts : counts;
    return settled.kind;
  });
}

describe("settleFault", () => {
  it.each([
    ["SOURCE_DENIED", 3],
    ["SOURCE_MISSING", 5],
    ["SIZE_MISMATCH", 4],
    ["SHA256_MISMATCH", 4],
  ] as const)("ends %s at the %dth time", (code, last) => {
    const kinds = play({ kind: "counted", code, reason: "r" }, last);

    expect(kinds).toEqual([...Array.from({ length: last - 1 }, () => "retry"), "failed"]);
  });

  it("counts each by itself", () => {
    const settled = settleFault({ kind: "counted", code: "SOURCE_DENIED", reason: "r" }, { SOURCE_MISSING: 4 }, 9);

    expect(settled).toEqual({
      kind: "retry",
      code: "SOURCE_DENIED",
      reason: "r",
      counts: { SOURCE_MISSING: 4, SOURCE_DENIED: 1 },
    });
  });

  it("ends what the target denies at the third delivery", () => {
    expect(play({ kind: "target", code: "TARGET_DENIED", reason: "r" }, 3)).toEqual(["retry", "retry", "failed"]);
  });

  it.each([
    [
      { kind: "expired", reason: "r" },
      { kind: "refresh", code: "URL_EXPIRED", reason: "r" },
    ],
    [
      { kind: "refused", code: "URL_REDIRECT", reason: "r" },
      { kind: "rejected", code: "URL_REDIRECT", reason: "r" },
    ],
    [
      { kind: "lost", reason: "r" },
      { kind: "retry", code: "TARGET_UNAVAILABLE", reason: "r", counts: {} },
    ],
    [{ kind: "stopped", reason: "r" }, { kind: "suspended" }],
    [{ kind: "superseded", reason: "r" }, { kind: "superseded" }],
  ] as const)("settles %j", (fault, expected) => {
    expect(settleFault(fault, {}, 50)).toEqual(expected);
  });

  it("never ends what passes", () => {
    const kinds = play({ kind: "passing", code: "SOURCE_UNAVAILABLE", reason: "r" }, 50);

    expect(new Set(kinds)).toEqual(new Set(["retry"]));
  });
});
