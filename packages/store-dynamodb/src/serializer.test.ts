import { describe, expect, it } from "vitest";
import { createSerializer } from "./serializer.ts";

describe("createSerializer", () => {
  it("runs calls of one key one after the other, and those of others meanwhile", async () => {
    const serialize = createSerializer();
    const seen: string[] = [];
    const run = (name: string) => async () => {
      seen.push(`${name} begins`);
      await Promise.resolve();
      seen.push(`${name} ends`);
    };

    await Promise.all([serialize("a", run("a1")), serialize("a", run("a2")), serialize("b", run("b"))]);

    expect(seen.indexOf("a1 ends")).toBeLessThan(seen.indexOf("a2 begins"));
    expect(seen.indexOf("b begins")).toBeLessThan(seen.indexOf("a1 ends"));
  });

  it("goes on after a call that failed", async () => {
    const serialize = createSerializer();
    const failed = serialize("a", () => Promise.reject(new Error("no")));

    expect(await serialize("a", async () => 1)).toBe(1);
    await expect(failed).rejects.toThrow("no");
  });
});
