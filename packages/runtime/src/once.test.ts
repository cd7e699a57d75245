import { describe, expect, it } from "vitest";
import { createOnce } from "./once.ts";

describe("createOnce", () => {
  it("does it once for all who ask", async () => {
    let runs = 0;
    const once = createOnce(async () => ++runs);

    expect(await Promise.all([once(), once()])).toEqual([1, 1]);
    expect(await once()).toBe(1);
  });

  it("does it again after it failed", async () => {
    let runs = 0;
    const once = createOnce(async () => {
      runs += 1;
      if (runs === 1) throw new Error("not yet");
      return runs;
    });

    await expect(once()).rejects.toThrow("not yet");
    expect(await once()).toBe(2);
  });
});
