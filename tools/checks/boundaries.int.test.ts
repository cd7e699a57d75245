import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { findBoundaryProblems } from "./boundaries.ts";

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

function aRepository(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "boundaries-"));
  roots.push(root);
  const entry = (name: string) => ({ types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` });
  const manifest = (name: string, exports: object) => JSON.stringify({ name, type: "module", exports });
  const all = {
    "package.json": "{}",
    "packages/core/package.json": manifest("@stackyard/core", {
      ".": entry("index"),
      "./testing": entry("testing/index"),
    }),
    "packages/core/src/index.ts": "export const core = 1;",
    "packages/core/src/testing/index.ts": "export const testing = 1;",
    "packages/sdk/package.json": manifest("@stackyard/sdk", { ".": entry("index") }),
    "packages/sdk/src/index.ts": 'import { core } from "@stackyard/core";\nexport const sdk = core;',
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

async function findRules(files: Record<string, string>): Promise<string[]> {
  const problems = await findBoundaryProblems(aRepository(files));
  return [...new Set(problems.map((problem) => problem.split(":")[0] ?? ""))];
}

const imports = (...specifiers: string[]) => specifiers.map((s) => `import "${s}";`).join("\n");

describe("findBoundaryProblems", () => {
  it("accepts a package that imports another one by its name, and tests that import testing", async () => {
    const rules = await findRules({
      "packages/sdk/src/index.test.ts": imports("@stackyard/core/testing", "./index.ts"),
    });

    expect(rules).toEqual([]);
  });

  const planted: Record<string, Record<string, string>> = {
    "no-cycles": {
      "packages/sdk/src/a.ts": imports("./b.ts"),
      "packages/sdk/src/b.ts": imports("./a.ts"),
    },
    "nothing-unresolvable": { "packages/sdk/src/a.ts": imports("@stackyard/core/src/index.ts") },
    "core-stands-alone": { "packages/core/src/a.ts": imports("@stackyard/sdk") },
    "machine-alone": {
      "packages/core/src/machine/a.ts": imports("../ports/clock.ts"),
      "packages/core/src/ports/clock.ts": "export const a = 1;",
    },
    "machine-is-pure": { "packages/core/src/machine/a.ts": imports("node:fs") },
    "plugins-apart": {
      "packages/store-a/package.json": JSON.stringify({
        name: "@stackyard/store-a",
        exports: { ".": "./dist/index.js" },
      }),
      "packages/store-a/src/index.ts": "export const a = 1;",
      "packages/executor-b/src/index.ts": imports("@stackyard/store-a"),
    },
    "houses-apart": {
      "packages/store-a/package.json": JSON.stringify({
        name: "@stackyard/store-a",
        exports: { ".": "./dist/index.js" },
        nx: { tags: ["house:aws"] },
      }),
      "packages/store-a/src/index.ts": "export const a = 1;",
      "packages/hosts/package.json": JSON.stringify({ name: "@stackyard/hosts", nx: { tags: ["house:yard"] } }),
      "packages/hosts/src/index.ts": imports("@stackyard/store-a"),
    },
    "testing-only-in-tests": { "packages/sdk/src/a.ts": imports("@stackyard/core/testing") },
    "cli-stays-small": {
      "packages/fleet/package.json": JSON.stringify({ name: "@stackyard/fleet", exports: { ".": "./dist/index.js" } }),
      "packages/fleet/src/index.ts": "export const fleet = 1;",
      "packages/cli/src/index.ts": imports("@stackyard/fleet"),
    },
    "browser-entries": {
      "packages/sdk/src/index.ts": imports("./reader.ts"),
      "packages/sdk/src/reader.ts": imports("node:fs"),
    },
    "definitions-without-sdk": {
      "node_modules/@aws-sdk/client-ssm/package.json": JSON.stringify({
        name: "@aws-sdk/client-ssm",
        main: "index.js",
      }),
      "node_modules/@aws-sdk/client-ssm/index.js": "",
      "packages/executor-b/src/definition.ts": imports("./config.ts"),
      "packages/executor-b/src/config.ts": imports("@aws-sdk/client-ssm"),
    },
    "functions-without-api-schemas": {
      "packages/core/package.json": JSON.stringify({
        name: "@stackyard/core",
        type: "module",
        exports: { ".": "./dist/index.js", "./api": "./dist/api/index.js" },
      }),
      "packages/core/src/api/index.ts": "export const api = 1;",
      "packages/executor-b/src/index.ts": imports("@stackyard/core/api"),
    },
    "no-deep-imports": { "packages/sdk/src/a.ts": imports("../../core/src/index.ts") },
  };

  for (const [rule, files] of Object.entries(planted)) {
    it(`reports a planted violation of ${rule}, and nothing else`, async () => {
      const rules = await findRules(files);

      expect(rules).toEqual([rule]);
    });
  }

  const aTool = { "tools/aws-sim/src/index.ts": "export const sim = 1;" };

  it("reports code of a package that depends on an app or a tool", async () => {
    const rules = await findRules({
      ...aTool,
      "packages/sdk/src/a.ts": imports("../../../tools/aws-sim/src/index.ts"),
    });

    expect(rules.sort()).toEqual(["no-deep-imports", "packages-below-apps"]);
  });

  it.each([
    ["lets what is for the tests of a package", "sdk", []],
    ["does not let what core publishes for tests", "core", ["packages-below-apps"]],
  ])("%s depend on a tool", async (_what, name, expected) => {
    const path = `packages/${name}/src/testing/index.ts`;

    const rules = await findRules({ ...aTool, [path]: imports("../../../../tools/aws-sim/src/index.ts") });

    expect(rules.filter((rule) => rule !== "no-deep-imports")).toEqual(expected);
  });
});
