import { expect, it } from "vitest";
import { toOutline } from "../machine/outline.ts";
import { findPlaces, findSelection, followEdit, type Selection } from "./selection.ts";

const TEXT = `version: 2
events: [OPENED, MERGED]
states:
  INIT:
    on:
      OPENED: LIVE
  LIVE:
    tasks: [app]
    on:
      MERGED:
        - { when: "true", action: advance, state: GONE }
        - { action: no-op }
  GONE: { terminal: true }
tasks:
  app: { executor: lambda }
`;
const outline = toOutline(TEXT) ?? expect.fail("no outline");

it.each([
  ["OPENED, MERGED", undefined],
  ["INIT:", { kind: "state", state: "INIT" }],
  ["OPENED: LIVE", { kind: "arrow", state: "INIT", event: "OPENED" }],
  ["tasks: [app]", { kind: "state", state: "LIVE" }],
  ["no-op", { kind: "arrow", state: "LIVE", event: "MERGED" }],
  ["executor", { kind: "task", task: "app" }],
  // Its block begins where the one before ends.
  ["GONE: { terminal", { kind: "state", state: "GONE" }],
])("selects at %j the smallest part around it", (place, expected) => {
  expect(findSelection(outline, TEXT.indexOf(place))).toEqual(expected);
});

it("finds each part in the text: an arrow at each of its reactions, and what is gone nowhere", () => {
  const textsOf = (selection: Selection) => findPlaces(outline, selection).map(({ from, to }) => TEXT.slice(from, to));

  expect(textsOf({ kind: "state", state: "GONE" })).toEqual(["GONE: { terminal: true }"]);
  expect(textsOf({ kind: "task", task: "app" })).toEqual(["app: { executor: lambda }"]);
  expect(textsOf({ kind: "arrow", state: "LIVE", event: "MERGED" })).toEqual([
    '{ when: "true", action: advance, state: GONE }',
    "{ action: no-op }",
  ]);
  expect(textsOf({ kind: "state", state: "NEVER" })).toEqual([]);
  expect(textsOf({ kind: "machine" })).toEqual([]);
});

const arrow: Selection = { kind: "arrow", state: "LIVE", event: "MERGED" };

it.each([
  ["state", "LIVE", "UP", { ...arrow, state: "UP" }],
  ["event", "MERGED", "CLOSED", { ...arrow, event: "CLOSED" }],
  ["state", "GONE", "OVER", arrow],
  ["task", "LIVE", "UP", arrow],
] as const)("keeps an arrow selected when the %s %s is renamed to %s", (what, from, to, expected) => {
  expect(followEdit(arrow, { kind: "rename", what, from, to })).toEqual(expected);
});

it("selects a state that was added, and keeps a task that was renamed selected", () => {
  expect(followEdit(arrow, { kind: "add-state", name: "NEW" })).toEqual({ kind: "state", state: "NEW" });
  expect(followEdit({ kind: "task", task: "app" }, { kind: "rename", what: "task", from: "app", to: "web" })).toEqual({
    kind: "task",
    task: "web",
  });
});
