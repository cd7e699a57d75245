import { describe, expect, it } from "vitest";
import { findCommitRange } from "./commit-range.ts";

const [OLD, NEW] = ["4be2d10aa", "9f1c2ab77"];
const at = (id?: string) => ({ commit: { key: "sha", value: "d", entry: 1, state: "LIVE", ...(id && { id }) } });
const find = (metadata: Readonly<Record<string, unknown>>) => findCommitRange(at(OLD), at(NEW), metadata);

describe("findCommitRange", () => {
  it.each([
    ["https://github.com/shop/checkout/pull/482", "https://github.com/shop/checkout", `compare/${OLD}...${NEW}`],
    ["https://ghe.example.org/shop/api/commit/9f1c", "https://ghe.example.org/shop/api", `compare/${OLD}...${NEW}`],
    [
      "https://gitlab.example.org/a/b/c/-/merge_requests/7",
      "https://gitlab.example.org/a/b/c",
      `-/compare/${OLD}...${NEW}`,
    ],
    ["https://github.com/shop/checkout/commits/main", "https://github.com/shop/checkout", `compare/${OLD}...${NEW}`],
    [
      "https://bitbucket.org/shop/api/commits/9f1c2ab77",
      "https://bitbucket.org/shop/api",
      `branches/compare/${NEW}%0D${OLD}`,
    ],
    [
      "https://bitbucket.org/shop/api/pull-requests/3",
      "https://bitbucket.org/shop/api",
      `branches/compare/${NEW}%0D${OLD}`,
    ],
  ])("compares at the host of %s", (address, repositoryUrl, path) => {
    const compareUrl = `${repositoryUrl}/${path}`;

    expect(find({ pr_url: address })).toEqual({ before: OLD, now: NEW, repositoryUrl, compareUrl });
  });

  it("names both where no address says which host it is, and nothing where no commit has changed", () => {
    expect(find({ url: "https://checkout.example.org/", owner: "ada" })).toEqual({ before: OLD, now: NEW });
    expect(findCommitRange(at(NEW), at(NEW), {})).toBeUndefined();
    expect(findCommitRange({}, at(NEW), {})).toBeUndefined();
    expect(findCommitRange(at(OLD), at(), {})).toBeUndefined();
  });

  it("makes no address of what is not one of the web", () => {
    expect(find({ pr: "javascript:alert(1)//github.com/a/b/pull/1" })?.compareUrl).toBeUndefined();
    expect(find({ pr: "https://user:pass@github.com/a/b/pull/1" })?.compareUrl).toBeUndefined();
    expect(find({ pr: "https://:pass@github.com/a/b/pull/1" })?.compareUrl).toBeUndefined();
  });
});
