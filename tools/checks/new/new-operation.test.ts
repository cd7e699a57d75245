import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../published-packages.ts";
import { newOperation } from "./new-operation.ts";

const exists = (path: string) => existsSync(join(repositoryRoot, path));

describe("newOperation", () => {
  it("writes the declaration, the route and a test, and says what is left", () => {
    const { files, next } = newOperation("sealYard", exists);

    expect([...files.keys()]).toEqual([
      "packages/core/src/api/operations/seal-yard.ts",
      "packages/server/src/routes/seal-yard-route.ts",
      "packages/server/src/seal-yard.int.test.ts",
      ".changeset/seal-yard.md",
    ]);
    expect(next.join("\n")).toContain("sealYardRoute(deps)");
  });

  it.each(["extendFreeze", "countFreezes"])("sends the verb %s to the files of its resource", (name) => {
    const { files, next } = newOperation(name, exists);

    expect([...files.keys()]).toEqual([
      expect.stringMatching(/^packages\/server\/src\/[a-z-]+\.int\.test\.ts$/),
      expect.stringMatching(/^\.changeset\//),
    ]);
    expect([...files.values()][0]).toContain(`${name}.path`);
    expect(next.join("\n")).not.toContain("operations/index.ts");
    expect(next.join("\n")).toContain("packages/core/src/api/operations/freezes.ts");
    expect(next.join("\n")).toContain("packages/server/src/routes/freeze-routes.ts");
    expect(next.join("\n")).not.toContain("create-server.ts");
  });

  it("names the tests that know every operation, and other files and folders that exist", () => {
    const { files, next } = newOperation("sealYard", exists);

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
    expect(() => newOperation(name, exists)).toThrow("a verb and a noun in camel case");
  });
});
