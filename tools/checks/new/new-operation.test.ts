import { describe, expect, it } from "vitest";
import { newOperation } from "./new-operation.ts";

describe("newOperation", () => {
  it("writes the declaration, the route and a test, and says what is left", () => {
    const { files, next } = newOperation("extendFreeze");

    expect([...files.keys()]).toEqual([
      "packages/core/src/api/operations/extend-freeze.ts",
      "packages/server/src/routes/extend-freeze-route.ts",
      "packages/server/src/extend-freeze.int.test.ts",
    ]);
    expect(next.join("\n")).toContain("extendFreezeRoute(deps)");
  });

  it.each(["extend-freeze", "Extend", "extend", "../extendFreeze"])("refuses the name %j", (name) => {
    expect(() => newOperation(name)).toThrow("a verb and a noun in camel case");
  });
});
