import { describe, expect, it } from "vitest";
import { joinSentences, ReleaseError, toReleaseError } from "./release-errors.ts";

describe("toReleaseError", () => {
  it("says what was tried, what AWS said and what to do, and keeps the cause", () => {
    const cause = Object.assign(new Error("Too many"), { name: "LimitExceeded", $metadata: { httpStatusCode: 400 } });

    const error = toReleaseError("DEPLOY_FAILED", cause, "Creating the group failed.", "Delete one.");

    expect(error).toMatchObject({ releaseCode: "DEPLOY_FAILED", errorClass: "DeployError", cause });
    expect(error.message).toBe("Creating the group failed. LimitExceeded: Too many. Delete one.");
  });

  it("leaves the failure of a state unchanged", () => {
    const error = new ReleaseError("RELEASE_HALTED", "Stop.");

    expect(toReleaseError("DEPLOY_FAILED", error, "Creating the group failed.")).toBe(error);
  });
});

describe("joinSentences", () => {
  it.each([
    [["Timeout: Halting Release", "Look."], "Timeout: Halting Release. Look."],
    [["Wrong image.", "Why?", "Then no"], "Wrong image. Why? Then no"],
    [["Timeout: Halting Release"], "Timeout: Halting Release"],
  ])("joins %j", (sentences, text) => {
    expect(joinSentences(sentences)).toBe(text);
  });
});
