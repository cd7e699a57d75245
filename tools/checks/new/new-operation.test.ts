import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../published-packages.ts";
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

  it("names the tests that know every operation, and other files and folders that exist", () => {
    const { files, next } = newOperation("extendFreeze");

    const paths = next.join(" ").match(/packages\/[\w./-]*\w/g) ?? [];
    const known = [...files.keys()];
    const unknown = paths.filter((path) => !known.some((file) => file.startsWith(path)));
    expect(unknown.length).toBeGreaterThan(4);
    expect(unknown.filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual([]);
    for (const name of ["permissions", "event-doors", "reasons"]) {
      expect(next.join(" ")).toContain(`${name}.int.test.ts`);
      expect(existsSync(join(repositoryRoot, `packages/server/src/access/${name}.int.test.ts`))).toBe(true);
    }
  });

  it.each(["extend-freeze", "Extend", "extend", "../extendFreeze"])("refuses the name %j", (name) => {
    expect(() => newOperation(name)).toThrow("a verb and a noun in camel case");
  });
});
