import { describe, expect, it } from "vitest";
import { createReach } from "./reach.ts";

const files: Readonly<Record<string, string>> = {
  "packages/core/src/index.ts": `export { a } from "./a.ts";\nexport { b } from "./b.ts";\nexport { c } from "./more/index.ts";\n`,
  "packages/core/src/more/index.ts": `export { inner as c } from "./c.ts";\n`,
  "packages/core/src/more/c.ts": "export const inner = 1;\n",
  "packages/core/src/a.ts": `import type { B } from "./b.ts";\nexport const a = 1;\n`,
  "packages/core/src/b.ts": "export const b = 2;\n",
  "packages/core/src/a.test.ts": `import { a } from "./a.ts";\n`,
  "packages/core/fixtures/x.yaml": "use: x\n",
  "packages/hosts/src/index.ts": `export { hosts } from "./hosts.ts";\n`,
  "packages/hosts/src/hosts.ts": `import { b } from "@stackyard/core";\nexport const hosts = b;\n`,
  "packages/hosts/src/hosts.test.ts": `import { a, c } from "@stackyard/core";\nimport { hosts } from "./hosts.ts";\n`,
  "packages/hosts/src/all.test.ts": `import * as core from "@stackyard/core";\n`,
  "packages/hosts/src/data.test.ts": `const file = new URL("../fixtures/y.yaml", import.meta.url);\n`,
  "packages/hosts/fixtures/y.yaml": "plugins: ['@stackyard/extra']\n",
  "packages/hosts/README.md": "# Hosts\n",
  "packages/extra/src/index.ts": "export const extra = 1;\n",
  "packages/extra/package.json": "{}\n",
  "packages/extra/src/root.test.ts": `const root = join(import.meta.dirname, "../../..");\n`,
  "packages/extra/src/child.test.ts": `fork(new URL("./child.ts", import.meta.url));\n`,
  "packages/extra/src/child.ts": `import { extra } from "./index.ts";\n`,
  "packages/extra/src/folder.test.ts": `const machines = join(import.meta.dirname, "../../core/fixtures");\n`,
  "apps/one/src/index.ts": `import { a } from "@stackyard/core";\n`,
  "apps/one/src/testing/account.ts": "export const account = 1;\n",
  "apps/one/tsup.config.ts": `import { base } from "../../tsup.base.ts";\n`,
  "apps/one/e2e/life.test.ts": `import { describe } from "vitest";\n`,
  "apps/one/e2e/pages.test.ts": `import { served } from "@stackyard/served";\n`,
  "packages/served/src/index.ts": `export const served = join(import.meta.dirname, "../dist");\n`,
  "packages/served/src/page.tsx": "export const page = 1;\n",
  "packages/served/src/served.test.ts": `import { served } from "./index.ts";\n`,
  "packages/extra/src/docs.test.ts": `const docs = join(import.meta.dirname, "../../../docs");\n`,
  "docs/page.md": "# A page\n",
  "tsup.base.ts": "export const base = 1;\n",
};
const reach = createReach({
  paths: new Set(Object.keys(files)),
  read: (path) => files[path] ?? "",
  entries: new Map(
    ["core", "hosts", "extra", "served"].map((name) => [`@stackyard/${name}`, `packages/${name}/src/index.ts`]),
  ),
});
const listReached = (path: string) => {
  const reached = reach(path);
  return reached === "everything" ? reached : [...reached].sort();
};

describe("what a test reaches", () => {
  it("is itself and what it imports, but no types", () => {
    expect(listReached("packages/core/src/a.test.ts")).toEqual([
      "packages/core/src/a.test.ts",
      "packages/core/src/a.ts",
    ]);
  });

  it("is of a package what the names that are imported come from", () => {
    expect(listReached("packages/hosts/src/hosts.test.ts")).toEqual([
      "packages/core/src/a.ts",
      "packages/core/src/b.ts",
      "packages/core/src/more/c.ts",
      "packages/hosts/src/hosts.test.ts",
      "packages/hosts/src/hosts.ts",
    ]);
  });

  it("is all of a package that is imported without names", () => {
    expect(listReached("packages/hosts/src/all.test.ts")).toEqual(
      expect.arrayContaining(["packages/core/src/index.ts", "packages/core/src/a.ts", "packages/core/src/more/c.ts"]),
    );
  });

  it("is every file of its package that is not a source, when it finds files by its place, and what these name", () => {
    expect(listReached("packages/hosts/src/data.test.ts")).toEqual([
      "packages/extra/package.json",
      "packages/extra/src/index.ts",
      "packages/hosts/README.md",
      "packages/hosts/fixtures/y.yaml",
      "packages/hosts/src/data.test.ts",
    ]);
  });

  it("is everything for one that begins at the root", () => {
    expect(listReached("packages/extra/src/root.test.ts")).toBe("everything");
  });

  it("includes programs that it starts, and folders that it reads", () => {
    expect(listReached("packages/extra/src/child.test.ts")).toContain("packages/extra/src/index.ts");
    expect(listReached("packages/extra/src/folder.test.ts")).toContain("packages/core/fixtures/x.yaml");
  });

  it("is of a folder of docs what it holds", () => {
    expect(listReached("packages/extra/src/docs.test.ts")).toEqual(
      expect.arrayContaining(["docs/page.md", "packages/extra/src/docs.test.ts"]),
    );
  });

  it("includes what is built only for an end-to-end test: the others pass before", () => {
    expect(listReached("apps/one/e2e/pages.test.ts")).toContain("packages/served/src/page.tsx");
    expect(listReached("packages/served/src/served.test.ts")).toEqual([
      "packages/served/src/index.ts",
      "packages/served/src/served.test.ts",
    ]);
  });

  it("is for an end-to-end test what is in the bundle of its package", () => {
    expect(listReached("apps/one/e2e/life.test.ts")).toEqual([
      "apps/one/e2e/life.test.ts",
      "apps/one/src/index.ts",
      "apps/one/tsup.config.ts",
      "packages/core/src/a.ts",
    ]);
  });
});
