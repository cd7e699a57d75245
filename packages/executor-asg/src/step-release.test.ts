import { describe, expect, it } from "vitest";
import { ReleaseError } from "./release-errors.ts";
import { rememberError } from "./step-release.ts";
import { aState } from "./testing/builders.ts";

describe("rememberError", () => {
  it("keeps the first error and the newest twenty later ones", () => {
    let state = rememberError(aState(), new ReleaseError("RELEASE_HALTED", "Stop."));
    for (let count = 1; count <= 25; count += 1)
      state = rememberError(state, new ReleaseError("DETACH_FAILED", `${count}`));

    expect(state.error).toEqual({ Error: "HaltError", Cause: "Stop." });
    expect(state.later_errors?.map(({ Cause }) => Cause)).toEqual(
      Array.from({ length: 20 }, (_, index) => `${index + 6}`),
    );
  });
});
