import { SimFault } from "@stackyard/aws-sim";
import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { callAws } from "./call-aws.ts";

const failing = (name: string, status: number) => () => Promise.reject(new SimFault(name, status, "why"));
const what = "It cannot be read.";

describe("callAws", () => {
  it("returns the result", async () => {
    expect(await callAws(async () => "done", { what, instead: { gone: undefined } })).toBe("done");
  });

  it("returns another result for a fault by its name, before our code, before the answer", async () => {
    const instead = { NoSuchKey: "name", NOT_FOUND: "code", gone: "answer" };

    expect(await callAws(failing("NoSuchKey", 404), { what, instead })).toBe("name");
    expect(await callAws(failing("NoSuchUpload", 404), { what, instead })).toBe("code");
    expect(await callAws(failing("QueueDoesNotExist", 400), { what, instead })).toBe("answer");
    expect(await callAws(failing("NoSuchKey", 404), { what, instead: { gone: undefined } })).toBeUndefined();
  });

  it("throws what was tried, with the advice of the fault", async () => {
    const advice = { FORBIDDEN: "Allow it.", NoSuchKey: "Write it." };

    await expect(callAws(failing("AccessDenied", 403), { what, advice })).rejects.toMatchObject({
      code: "FORBIDDEN",
      message: "It cannot be read. AccessDenied: why. Allow it.",
    });
    await expect(callAws(failing("NoSuchKey", 404), { what, advice })).rejects.toThrow("NoSuchKey: why. Write it.");
    await expect(callAws(failing("SlowDown", 503), { what, advice })).rejects.toThrow("Try again later");
    await expect(callAws(failing("Odd", 400), { what, advice: "Look." })).rejects.toThrow("Odd: why. Look.");
  });

  it("throws errors of ours unchanged", async () => {
    const error = new StackyardError("CONFIG_INVALID", "x");

    await expect(callAws(() => Promise.reject(error), { what })).rejects.toBe(error);
  });

  it("takes no name of a built-in for a fault", async () => {
    await expect(callAws(failing("constructor", 400), { what, instead: { gone: 1 } })).rejects.toThrow(what);
  });
});
