import { describe, expect, it } from "vitest";
import { aStack } from "../testing/stacks.ts";
import { type ColumnChoice, findColumns, formatColumns, parseColumns } from "./column-choice.ts";

describe("parseColumns", () => {
  it("keeps the order, and leaves out what is unknown or named twice", () => {
    expect(parseColumns("since,color,condition,since,metadata.team,metadata.")).toEqual([
      "since",
      "condition",
      "metadata.team",
    ]);
    expect(parseColumns(undefined)).toEqual([]);
  });

  it("reads what formatColumns writes, whatever a key contains", () => {
    const columns: readonly ColumnChoice[] = ["age", "metadata.a,b", "metadata.50%", "metadata.metadata.x"];

    expect(parseColumns(formatColumns(columns))).toEqual(columns);
  });
});

describe("findColumns", () => {
  const stacks = [aStack("a", { metadata: { team: "web", sha: "4f1c", url: "https://x.example.org" } })];

  it("prefers the address to the person's choice, and that to the usual columns", () => {
    expect(findColumns({ show: "age" }, "cost", stacks, "wide")).toEqual(["age"]);
    expect(findColumns({}, "cost,state", stacks, "phone")).toEqual(["cost", "state"]);
  });

  it("adds keys of metadata that no other column shows", () => {
    expect(findColumns({}, "", stacks, "wide")).toEqual([
      "condition",
      "state",
      "since",
      "failure",
      "failedAt",
      "version",
      "machine",
      "metadata.team",
    ]);
  });

  it("has fewer columns where there is less room, unless somebody has chosen them", () => {
    expect(findColumns({}, "", stacks, "middle")).toEqual(["condition", "state", "since", "failure", "version"]);
    expect(findColumns({}, "", stacks, "phone")).toEqual(["condition", "since"]);
    expect(findColumns({ columns: "team" }, "", stacks, "phone").at(-1)).toBe("metadata.team");
  });

  it("keeps the meaning of older addresses, whose `columns` are keys of metadata", () => {
    expect(findColumns({ columns: "url,team" }, "cost", stacks, "wide").slice(-2)).toEqual([
      "metadata.url",
      "metadata.team",
    ]);
  });
});
