import { describe, expect, it } from "vitest";
import { simulate } from "../machine/simulate.ts";
import { toSimulatedHistory } from "./simulated-history.ts";

const text = `version: 2
events: [OPENED, MERGED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { tasks: [app], after: [{ in: 72h, event: MERGED }], on: { MERGED: GONE, FAILED: LIVE } }
  GONE: { terminal: true }
tasks:
  app: { executor: x, config: {} }
`;
const steps = [
  { event: { stackId: "s", machine: "m", event: "OPENED" }, sender: { name: "ada" } },
  { task: "app", result: "succeeded", stackId: "s" },
  { event: { stackId: "s", machine: "m", event: "NOPE" } },
  { advance: "72h" },
];

describe("the history of a simulation", () => {
  it("has a line for each step as that of a stack has, and one for what followed", () => {
    const played = simulate({ machines: [{ name: "m", text }], revisions: [], steps });

    const lines = toSimulatedHistory(steps, played);

    expect(
      lines.map(({ step, event, outcome, from, to, task, actor }) => [step, event, outcome, from, to, task ?? actor]),
    ).toEqual([
      [0, "OPENED", "applied", undefined, "LIVE", "ada"],
      [1, "TASK_COMPLETED", "applied", "LIVE", "LIVE", "app"],
      [2, "NOPE", "refused", "LIVE", "LIVE", undefined],
      [3, "72h pass", expect.any(String), "LIVE", undefined, undefined],
      [undefined, "MERGED", expect.any(String), undefined, undefined, undefined],
    ]);
    expect(lines[0]?.description).toBe("starts app");
    expect(lines[3]?.description).toBe("the stack does not exist any more");
    expect(lines.every(({ at }) => !Number.isNaN(Date.parse(at)))).toBe(true);
  });

  it("begins anew with a stack that comes after one of its id was removed", () => {
    const again = [...steps, { event: { stackId: "s", machine: "m", event: "OPENED" } }];
    const played = simulate({ machines: [{ name: "m", text }], revisions: [], steps: again });

    const last = toSimulatedHistory(again, played).findLast(({ step }) => step === 4);

    expect([last?.from, last?.to]).toEqual([undefined, "LIVE"]);
  });

  it("lists a step that was just added as not played, and not as ignored without a reason", () => {
    const played = simulate({ machines: [{ name: "m", text }], revisions: [], steps: [] });

    expect(toSimulatedHistory(steps.slice(0, 1), played)[0]).toMatchObject({
      event: "OPENED",
      reason: "not played yet",
    });
  });
});
