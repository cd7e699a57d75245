import { describe, expect, it } from "vitest";
import { findVersionRange } from "./find-version-range.ts";

const TAG = "https://github.com/acme/shop/releases/tag/v1.42.0";
const change = { key: "api", before: "1.41.0", now: "1.42.0", isOnly: true };
const [OLD, NEW] = ["4be2d10aa", "9f1c2ab77"];
const commit = { key: "api", before: OLD, now: NEW, isOnly: true };

describe("findVersionRange", () => {
  it.each([
    [TAG, "https://github.com/acme/shop", "compare/v1.41.0...v1.42.0"],
    ["https://github.com/acme/shop/tree/1.42.0", "https://github.com/acme/shop", "compare/1.41.0...1.42.0"],
    [
      "https://gitlab.example.org/a/b/c/-/releases/v1.42.0",
      "https://gitlab.example.org/a/b/c",
      "-/compare/v1.41.0...v1.42.0",
    ],
    ["https://gitlab.example.org/a/b/-/tags/v1.42.0", "https://gitlab.example.org/a/b", "-/compare/v1.41.0...v1.42.0"],
  ])("takes the repository and the shape of the tags from %s", (address, repositoryUrl, path) => {
    const range = findVersionRange(change, { api: "1.42.0", notes: address });

    expect(range?.repositoryUrl).toBe(repositoryUrl);
    expect(range?.compareUrl).toBe(`${repositoryUrl}/${path}`);
    expect(range?.isTag).toBe(true);
  });

  it.each(["api-v", "api/v", "@acme/api@"])(
    "compares the tags of the same part of a repository of many, as with %s (release-please#822, next-release-tag#156)",
    (prefix) => {
      const address = `https://github.com/acme/mono/releases/tag/${encodeURIComponent(`${prefix}1.42.0`)}`;

      const range = findVersionRange(change, { api_url: address });

      expect([range?.before, range?.now]).toEqual([`${prefix}1.41.0`, `${prefix}1.42.0`]);
    },
  );

  it.each([
    ["has no address", {}],
    ["has the address of another version", { url: "https://github.com/acme/shop/releases/tag/v1.43.0" }],
    ["has one that only ends alike", { url: "https://github.com/acme/shop/releases/tag/v11.42.0" }],
    ["has a page below the tag", { url: "https://github.com/acme/shop/tree/v1.42.0/docs" }],
    [
      "has the pull request alone, which does not say how tags are named",
      { url: "https://github.com/acme/shop/pull/7" },
    ],
    ["has two repositories with this version", { one: TAG, two: TAG.replace("shop", "web") }],
    ["has an address that cannot be decoded", { url: "https://github.com/acme/shop/releases/tag/%FF1.42.0" }],
    ["has none of the web", { url: "javascript:alert(1)//releases/tag/v1.42.0" }],
  ])("claims nothing of a version where the metadata %s", (_, metadata) => {
    expect(findVersionRange(change, metadata)).toBeUndefined();
  });

  it.each(["1.41.0..main", "-1.41.0", "1.41.0 main", "a^{/x}", "a".repeat(300)])(
    "makes no revisions of %j",
    (before) => {
      expect(findVersionRange({ ...change, before, now: "1.42.0" }, { url: TAG.replace("v1", "1") })).toBeUndefined();
    },
  );

  it("takes of two services each its own repository (kargo#6470)", () => {
    const metadata = { api_url: TAG, web_url: TAG.replace("shop", "web") };
    const find = (key: string) => findVersionRange({ ...change, key, isOnly: false }, metadata)?.repositoryUrl;

    expect([find("api"), find("web"), find("db")]).toEqual([
      "https://github.com/acme/shop",
      "https://github.com/acme/web",
      undefined,
    ]);
  });

  it("compares commits at the repository of any address, if no other key changes", () => {
    const pull = { pr: "https://github.com/acme/shop/pull/7" };

    expect(findVersionRange(commit, pull)?.compareUrl).toBe(`https://github.com/acme/shop/compare/${OLD}...${NEW}`);
    expect(findVersionRange({ ...commit, isOnly: false }, pull)).toEqual({ before: OLD, now: NEW, isTag: false });
    expect(findVersionRange({ ...commit, isOnly: false }, { at: `https://github.com/a/b/commit/${NEW}` })).toEqual({
      before: OLD,
      now: NEW,
      isTag: false,
      repositoryUrl: "https://github.com/a/b",
      compareUrl: `https://github.com/a/b/compare/${OLD}...${NEW}`,
    });
    expect(findVersionRange({ ...commit, now: OLD }, pull)).toBeUndefined();
  });
});
