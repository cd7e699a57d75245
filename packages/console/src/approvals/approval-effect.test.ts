import { expect, it } from "vitest";
import { formatLosses, formatMoves } from "./approval-effect.tsx";

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

it("adds up what is destroyed, and says when it has not read all", () => {
  const changes = (destroys: number) => ({ changes: { adds: 1, changes: 0, destroys } });

  expect(formatLosses([changes(2), {}, changes(1)], true)).toBe("3 resources are destroyed.");
  expect(formatLosses([changes(1)], false)).toBe("At least 1 resource is destroyed.");
  expect(formatLosses([changes(0), {}], true)).toBeUndefined();
});
