import { describe, expect, it } from "vitest";
import { findFieldRefusal, listEvents, listFields, toEventMetadata, toTexts } from "./event-fields.ts";

const rules = {
  keys: [
    { name: "url", type: "string" as const },
    { name: "sha", type: "string" as const },
    { name: "count", type: "number" as const, minimum: 1, maximum: 5 },
    { name: "owner", type: "string" as const, immutable: true as const },
    { name: "live", type: "boolean" as const },
    { name: "plan", type: "string" as const, readOnly: true as const },
  ],
  additional: true,
  requiredBy: { PUSHED: ["sha", "note"] },
};

describe("listEvents", () => {
  it("puts what the state handles first", () => {
    const states = [{ name: "LIVE", terminal: false, tasks: [], on: ["MERGED", "TIMEOUT"] }];

    expect(listEvents({ events: ["OPENED", "MERGED"], states }, "LIVE")).toEqual({
      handled: ["MERGED"],
      others: ["OPENED"],
    });
    expect(listEvents({ events: ["OPENED"], states }, "GONE")).toEqual({ handled: [], others: ["OPENED"] });
  });
});

describe("listFields", () => {
  it("puts what the event must bring first, also keys without a rule", () => {
    const fields = listFields(rules, "PUSHED", { metadata: {} });

    expect(fields.map(({ name, needed }) => [name, needed])).toEqual([
      ["sha", true],
      ["note", true],
      ["url", false],
      ["count", false],
      ["owner", false],
      ["live", false],
    ]);
  });

  it("leaves out what is set once and set and what is read-only, and knows no names of objects", () => {
    expect(listFields(rules, "MERGED", { metadata: { owner: "ada" } }).map(({ name }) => name)).not.toContain("owner");
    expect(listFields(rules, "MERGED", { metadata: {} }).map(({ name }) => name)).not.toContain("plan");
    expect(listFields(rules, "toString", { metadata: {} }).every(({ needed }) => !needed)).toBe(true);
    expect(listFields(undefined, "GO", { metadata: {} })).toEqual([]);
  });
});

describe("toEventMetadata", () => {
  it("keeps types and leaves empty fields out", () => {
    const fields = listFields(rules, "PUSHED", { metadata: {} });

    expect(toEventMetadata(fields, { sha: "4f1c", count: "3", live: "false", url: "" })).toEqual({
      sha: "4f1c",
      count: 3,
      live: false,
    });
  });
});

it("what is sent again has the same values, with their types, also of keys that no rule names (kestra#13647)", () => {
  const first = { sha: "bbb", replicas: 5, flag: false, none: null, live: true };
  const fields = listFields(rules, "PUSHED", { metadata: {} });

  expect(toEventMetadata([], {}, first)).toEqual(first);
  expect(toEventMetadata(fields, { sha: "ccc", live: "" }, first)).toEqual({
    sha: "ccc",
    replicas: 5,
    flag: false,
    none: null,
  });
  expect(toTexts({ sha: "ccc" }, first)).toMatchObject({ sha: "ccc", live: "true", none: "" });
});

describe("findFieldRefusal", () => {
  const fields = listFields(rules, "PUSHED", { metadata: {} });

  it.each([
    [{}, "Enter sha first"],
    [{ sha: "a", note: "b", count: "x" }, "count must be a number"],
    [{ sha: "a", note: "b", count: "0" }, "count must be at least 1"],
    [{ sha: "a", note: "b", count: "6" }, "count must be at most 5"],
    [{ sha: "a", note: "b", count: "5" }, undefined],
  ])("judges %j", (texts, refusal) => {
    expect(findFieldRefusal(fields, texts)).toBe(refusal);
  });
});
