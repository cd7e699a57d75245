import { expect, it } from "vitest";
import { formatMoves } from "./approval-effect.tsx";

const counts = { move: 44, same: 3, create: 2, moving: 0, fails: 0 };
const aTask = (task: string, ...waves: readonly string[]) => ({
  task,
  event: "RELEASED",
  metadata: {},
  until: [],
  waves,
});

it("says how many stacks move and in which order", () => {
  const tasks = [aTask("production", "all"), aTask("tenants", "canary", "tenth", "rest")];

  expect(formatMoves({ counts, tasks })).toBe(
    "Approving creates 2 stacks and changes 44 stacks: production, then tenants in waves canary, tenth, rest.",
  );
  expect(formatMoves({ counts: { ...counts, move: 1, create: 0 }, tasks: [aTask("production", "all")] })).toBe(
    "Approving changes 1 stack: production.",
  );
});
