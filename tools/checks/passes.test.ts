import { describe, expect, it } from "vitest";
import { createKeys } from "./passes.ts";

const files: Readonly<Record<string, string>> = {
  "package-lock.json": "{}",
  "vitest.config.ts": `import { base } from "./base.ts";\n`,
  "base.ts": "export const base = 1;\n",
  "packages/a/src/index.ts": `export { one } from "./one.ts";\nexport { two } from "./two.ts";\n`,
  "packages/a/src/one.ts": "export const one = 1;\n",
  "packages/a/src/two.ts": "export const two = 2;\n",
  "packages/b/src/b.test.ts": `import { one } from "@stackyard/a";\n`,
};

/** The keys of a repository where these files have another text. */
function toKeys(changed: Readonly<Record<string, string>> = {}) {
  const texts = new Map(Object.entries({ ...files, ...changed }));
  return createKeys({
    paths: new Set(texts.keys()),
    read: (path) => texts.get(path) ?? "",
    entries: new Map([["@stackyard/a", "packages/a/src/index.ts"]]),
    digests: texts,
  });
}

describe("the key of a test", () => {
  const test = "packages/b/src/b.test.ts";
  const before = toKeys().ofTest(test);

  it.each([
    ["the test", test, "it();"],
    ["what it imports", "packages/a/src/one.ts", "export const one = 3;"],
    ["where a name comes from", "packages/a/src/index.ts", `export { two as one } from "./two.ts";`],
    ["the locked packages", "package-lock.json", "{ }"],
    ["what runs the tests", "base.ts", "export const base = 2;"],
  ])("is another one when %s changes", (_, path, text) => {
    expect(toKeys({ [path]: text }).ofTest(test)).not.toBe(before);
  });

  it("stays when something else changes", () => {
    expect(toKeys({ "packages/a/src/two.ts": "export const two = 3;", "README.md": "" }).ofTest(test)).toBe(before);
  });

  it("is not that of another test", () => {
    expect(toKeys().ofTest("packages/a/src/one.ts")).not.toBe(before);
  });
});

describe("the key of a check", () => {
  it("depends on the files that it reads", () => {
    const toKey = (changed?: Record<string, string>) => toKeys(changed).ofFiles("one", (path) => path.includes("one"));

    expect(toKey({ "packages/a/src/two.ts": "" })).toBe(toKey());
    expect(toKey({ "packages/a/src/one.ts": "" })).not.toBe(toKey());
    expect(toKey({ "packages/a/src/another-one.ts": "" })).not.toBe(toKey());
  });
});
