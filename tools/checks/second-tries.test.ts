import { describe, expect, it } from "vitest";
import { type PassedTest, toSecondTries } from "./second-tries.ts";

const aTest = (fullName: string, flaky: boolean): PassedTest => ({
  fullName,
  module: { relativeModuleId: "packages/a/b.test.ts" },
  diagnostic: () => ({ flaky }),
  result: () => ({ errors: flaky ? [{ message: "\u001b[31mexpected 1\u001b[39m to be 2\nat a line" }] : undefined }),
});

describe("toSecondTries", () => {
  it("lists only tests that failed at first, each on one plain line", () => {
    expect(toSecondTries([aTest("opens", false), aTest("closes", true)])).toEqual([
      "packages/a/b.test.ts > closes: expected 1 to be 2",
    ]);
  });
});
