import { describe, expect, it } from "vitest";
import { readBundle } from "./parse-bundle.ts";

const whole = {
  format: 1,
  stackId: "pr-12",
  createdAt: "2026-11-20T03:12:04Z",
  version: "0.1.0",
  stack: null,
  attempts: [],
  parked: [],
  processes: [],
  history: [],
  revisions: [],
  cut: [],
};

const read = (value: unknown) => readBundle(new Blob([typeof value === "string" ? value : JSON.stringify(value)]));

describe("readBundle", () => {
  it("returns the bundle of a removed stack", async () => {
    expect(await read(whole)).toEqual({ kind: "bundle", bundle: whole });
  });

  it.each([
    ["text", "not JSON", "The file is not JSON. Drop a file that was downloaded as a bundle."],
    ["another JSON", { a: 1 }, "The file is not a bundle: it has no format and stackId."],
    ["a list", [], "The file is not a bundle: it has no format and stackId."],
    [
      "a newer format",
      { ...whole, format: 2 },
      "The bundle has format 2. This console reads format 1; open it with a newer one.",
    ],
    ["a damaged list", { ...whole, history: {} }, "The bundle is damaged: history is not a list."],
    ["a damaged stack", { ...whole, stack: {} }, "The bundle is damaged: stack is incomplete."],
    [
      "a stack without metadata",
      { ...whole, stack: { tasks: [], attempts: [], parked: [], timers: [] } },
      "The bundle is damaged: stack has no metadata.",
    ],
    ["a graph of something else", { ...whole, graph: [] }, "The bundle is damaged: graph is incomplete."],
    [
      "a graph with a damaged state",
      { ...whole, graph: { nodes: [{ id: "UP", tasks: "create" }], edges: [] } },
      "The bundle is damaged: graph is incomplete.",
    ],
  ])("explains what is wrong with %s", async (_, value, message) => {
    expect(await read(value)).toEqual({ kind: "problem", message });
  });
});
