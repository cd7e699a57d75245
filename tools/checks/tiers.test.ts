import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";
import { toBatches } from "./run-tests.ts";
import { findTests, findUntested, REASONS, toProject, toTier } from "./tiers.ts";

const MODULE = "// @module-tag";

describe("toTier", () => {
  it.each([
    ["packages/a/src/x.test.ts", "", { tier: "first", project: "unit", why: "unit tests" }],
    ["packages/a/src/x.test-d.ts", "", { tier: "first", project: "types", why: "tests of types" }],
    ["packages/a/src/x.int.test.ts", "", { tier: "rest", project: "int", why: "no tag" }],
    ["packages/a/src/x.int.test.ts", `${MODULE} promise\n`, { tier: "first", project: "int", why: "promise" }],
    ["apps/a/e2e/x.test.ts", `${MODULE} app\n`, { tier: "first", project: "e2e", why: "app" }],
    [
      "packages/a/src/x.browser.test.tsx",
      `it("shows", { ${"tags"}: "page" }, () => {});`,
      { tier: "first", project: "browser", why: "page (1 tags within)" },
    ],
    ["packages/a/src/x.int.test.ts", `${MODULE} unheard\n`, { tier: "rest", project: "int", why: "no tag" }],
  ])("%s with %j", (path, text, expected) => {
    expect(toTier(path, text)).toEqual({ path, ...expected });
  });

  it("takes no other file for tests", () => {
    expect(["a/x.ts", "a/x.test.tsx.snap", "a/testing/x.ts", "a/x.tsx"].filter((path) => toProject(path))).toEqual([]);
  });
});

describe("findUntested", () => {
  const aTest = (path: string, why: string) => ({ path, project: "int", tier: "first", why }) as const;

  it("names stores, transports and apps without a test in the first tier", () => {
    const folders = ["packages/core", "packages/store-a", "packages/transport-b", "apps/c", "apps/d"];
    const tests = [aTest("packages/store-a/x.int.test.ts", "promise"), aTest("packages/core/y.int.test.ts", "app")];

    expect(findUntested(folders, tests, (path) => (path.includes("/y.") ? `start("d")` : ""))).toEqual([
      'packages/transport-b has no test with the tag "promise", so npm test decides nothing about it.',
      'apps/c has no test with the tag "app", so npm test decides nothing about it.',
    ]);
  });
});

describe("the tiers of this repository", () => {
  const tests = findTests(repositoryRoot);

  it("are together all files of tests, each once", () => {
    const batches = toBatches(tests, true).flatMap(({ files }) => files.map(({ path }) => path));
    const types = tests.filter(({ project }) => project === "types").map(({ path }) => path);

    expect([...batches, ...types].sort()).toEqual(tests.map(({ path }) => path));
    expect(toBatches(tests, true).every(({ tags, env }) => tags === undefined && env === undefined)).toBe(true);
  });

  it("have only tags that mean something", () => {
    const tags = tests.flatMap(({ path }) =>
      [...readFileSync(join(repositoryRoot, path), "utf8").matchAll(/^\W*@module-tag (.*)$/gm)].map(
        ([, tag = ""]) => tag,
      ),
    );

    expect(tags.filter((tag) => REASONS[tag] === undefined)).toEqual([]);
  });

  it("do not leave a part of the unit tests out", () => {
    const tagged = tests.filter(
      ({ path, project }) =>
        project === "unit" && /^\/\/ @module-tag /m.test(readFileSync(join(repositoryRoot, path), "utf8")),
    );

    expect(tagged).toEqual([]);
  });
});
