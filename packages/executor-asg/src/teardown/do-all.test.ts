import { describe, expect, it } from "vitest";
import { ReleaseError } from "../release-error.ts";
import { doAll } from "./do-all.ts";

describe("doAll", () => {
  it("does the work for the others when one fails, and throws that one", async () => {
    const done: number[] = [];
    const error = new Error("two");

    const all = doAll([1, 2, 3], async (each) => {
      if (each === 2) throw error;
      done.push(each);
    });

    await expect(all).rejects.toBe(error);
    expect(done).toEqual([1, 3]);
  });

  it("tells all that failed, under the code of the first", async () => {
    const all = doAll(["a", "b"], async (each) => {
      throw new ReleaseError(each === "a" ? "CLEAN_UP_FAILED" : "DETACH_FAILED", `${each}.`);
    });

    await expect(all).rejects.toMatchObject({ releaseCode: "CLEAN_UP_FAILED", message: "a.\nb." });
  });

  it("is done with nothing", async () => {
    await expect(doAll([], async () => Promise.reject(new Error("never")))).resolves.toBeUndefined();
  });
});
