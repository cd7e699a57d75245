import { describe, expect, it } from "vitest";
import { chooseColumns, formatFilters, parseMetadata, toSort, toStackFilter } from "./stack-filter.ts";

describe("toStackFilter", () => {
  it("reads every filter of the address", () => {
    const search = {
      text: "12",
      condition: "failed",
      machine: "review-app",
      state: "BUILD",
      task: "database",
      code: "LAMBDA_FUNCTION_ERROR",
      prefix: "pr-",
      revision: "ab".repeat(32),
      metadata: "owner=ada",
    };

    expect(toStackFilter(search)).toEqual({
      jobs: false,
      text: "12",
      condition: "failed",
      machine: "review-app",
      state: "BUILD",
      task: "database",
      code: "LAMBDA_FUNCTION_ERROR",
      idPrefix: "pr-",
      revision: "ab".repeat(32),
      metadata: { owner: "ada" },
    });
  });

  it("reads the word none as failures without a code, and leaves out unknown conditions", () => {
    expect(toStackFilter({ code: "none", condition: "sad", is: "sad", tab: "x" })).toEqual({ code: "", jobs: false });
    expect(toStackFilter({ is: "asleep" })).toEqual({ mainCondition: "asleep", jobs: false });
  });
});

describe("parseMetadata", () => {
  it.each([
    [undefined, undefined],
    ["owner", undefined],
    ["owner=ada, pull=12,draft=true", { owner: "ada", pull: 12, draft: true }],
    ['build="12",sha=1e9x', { build: "12", sha: "1e9x" }],
    ["note=a=b", { note: "a=b" }],
  ])("reads %s", (text, metadata) => {
    expect(parseMetadata(text)).toEqual(metadata);
  });
});

describe("formatFilters", () => {
  it("names what is filtered by, and nothing else", () => {
    expect(formatFilters({ condition: "failed", state: "BUILD", sort: "-id" })).toBe(
      "has condition failed, state BUILD",
    );
  });
});

describe("toSort", () => {
  it("orders by id unless the address says otherwise", () => {
    expect([toSort(undefined), toSort("-enteredAt"), toSort("color")]).toEqual(["id", "-enteredAt", "id"]);
  });
});

describe("chooseColumns", () => {
  const stacks = [{ metadata: { owner: "ada", sha: "1", url: "u", z: 1 } }, { metadata: { sha: "2", owner: "eve" } }];

  it("takes the keys that most stacks have", () => {
    expect(chooseColumns(undefined, stacks)).toEqual(["owner", "sha", "url"]);
  });

  it("takes those of the address", () => {
    expect(chooseColumns("z,sha", stacks)).toEqual(["z", "sha"]);
  });
});
