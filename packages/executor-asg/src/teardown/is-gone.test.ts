import { describe, expect, it } from "vitest";
import { deleteIfThere, isGone } from "./is-gone.ts";

function anError(name: string, message = "No."): Error {
  return Object.assign(new Error(message), { name });
}

describe("isGone", () => {
  it.each([
    anError("ResourceNotFound"),
    anError("InvalidLaunchTemplateName.NotFoundException"),
    anError("ValidationError", "AutoScalingGroup name not found - no such group: web"),
    anError("ValidationError", "Launch configuration name not found - Launch configuration web not found"),
  ])("knows $name: $message", (error) => {
    expect(isGone(error)).toBe(true);
  });

  it.each([
    anError("AccessDenied"),
    anError("ResourceInUseFault"),
    anError("ValidationError", "1 validation error detected"),
    anError("Throttling", "The rate was not found to be low"),
    "not found",
  ])("takes nothing else for it: %s", (error) => {
    expect(isGone(error)).toBe(false);
  });
});

describe("deleteIfThere", () => {
  it("passes over what is gone", async () => {
    await expect(deleteIfThere(async () => Promise.reject(anError("ResourceNotFound")))).resolves.toBeUndefined();
  });

  it("throws what else went wrong", async () => {
    const error = anError("AccessDenied");

    await expect(deleteIfThere(async () => Promise.reject(error))).rejects.toBe(error);
  });
});
