import type { DeployStack } from "@stackyard/sdk";
import { expect, it } from "vitest";
import { toMovingFirst } from "./moving-first.ts";

const row = (stackId: string, state: DeployStack["state"]): DeployStack => ({
  stackId,
  state,
  wave: "rest",
  tries: 1,
  from: {},
  since: "2026-11-20T03:00:00Z",
});
const format = (rows: readonly DeployStack[]) => rows.map(({ stackId, state }) => `${stackId} ${state}`);

it("lists what failed, then what is on its way, then the others, each once", () => {
  const items = [row("a", "failed"), row("b", "done"), row("c", "sent"), row("d", "unsent")];

  expect(format(toMovingFirst(items, [row("c", "sent"), row("z", "sent")]))).toEqual([
    "a failed",
    "c sent",
    "z sent",
    "b done",
    "d unsent",
  ]);
});

it("believes the list of one that has failed since it was on its way", () => {
  expect(format(toMovingFirst([row("b", "done"), row("a", "failed")], [row("a", "sent")]))).toEqual([
    "a failed",
    "b done",
  ]);
});
