import { describe, expect, it } from "vitest";
import { formatReleaseState } from "./format-release-state.ts";

describe("formatReleaseState", () => {
  it("says what is done in a state, and keeps the name of one that it does not know", () => {
    expect(["CheckHealthy", "CutOver", "toString"].map(formatReleaseState)).toEqual([
      "Check health",
      "CutOver",
      "toString",
    ]);
  });
});
