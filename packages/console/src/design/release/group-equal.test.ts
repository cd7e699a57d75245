import type { PlannedStack } from "@stackyard/sdk";
import { expect, it } from "vitest";
import { groupEqual } from "./group-equal.ts";

function aStack(stackId: string, more: Partial<PlannedStack> = {}): PlannedStack {
  return {
    stackId,
    task: "tenants",
    wave: "canary",
    does: "move",
    from: { api: "1.42.0" },
    to: { api: "1.43.0" },
    show: {},
    tasks: ["ROLL-OUT/app"],
    end: "LIVE",
    whole: true,
    changed: false,
    parked: [],
    ...more,
  };
}

const idsOf = (stacks: readonly PlannedStack[]) =>
  groupEqual(stacks).map((group) => group.map(({ stackId }) => stackId));

it("has one row for stacks to which the same would happen, whatever their waves", () => {
  const tenants = ["a", "b", "c", "d"].map((id) => aStack(id, { wave: id === "a" ? "canary" : "rest" }));

  expect(idsOf([aStack("prod", { task: "production" }), ...tenants, aStack("e", { from: { api: "1.40.9" } })])).toEqual(
    [["prod"], ["a", "b", "c", "d"], ["e"]],
  );
});

it("begins with what would be lost, then with what would fail", () => {
  const changes = { adds: 1, changes: 0, destroys: 0 };
  const stacks = [
    aStack("a", { wave: "canary" }),
    aStack("b", { does: "fails", code: "EVENT_NOT_HANDLED" }),
    aStack("c", { changes }),
    aStack("d", { changes: { ...changes, destroys: 2 } }),
    aStack("e", { from: { api: "1" }, changes: { ...changes, destroys: 1 } }),
  ];

  expect(idsOf(stacks)).toEqual([["d"], ["e"], ["b"], ["a"], ["c"]]);
});

it("leaves one alone, and each that is on its way or is not as planned", () => {
  const ids = ["a", "b", "c", "d"];
  const progress = { state: "sent", since: "2026-01-01T00:00:00Z" } as const;

  expect(idsOf(ids.slice(3).map((id) => aStack(id)))).toEqual([["d"]]);
  expect(idsOf(ids.map((id) => aStack(id, { progress })))).toEqual([["a"], ["b"], ["c"], ["d"]]);
  expect(idsOf(ids.map((id) => aStack(id, { changed: true })))).toEqual([["a"], ["b"], ["c"], ["d"]]);
});
