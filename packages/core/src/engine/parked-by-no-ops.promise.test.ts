import { expect, it } from "vitest";
import type { Step } from "../ports/executor.ts";
import { createTrial } from "../testing/trial.ts";

const NEVER: Step = { kind: "running", progress: {}, pollAfterMs: 3_600_000, message: "waits" };
const SOURCE = `
version: 2
events: { OPENED: {}, TOUCHED: { metadata: [sha] }, PUSHED: {} }
metadata: { sha: { type: string } }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [build], on: { NEXT: LIVE, TOUCHED: no-op } }
  LIVE: { on: { PUSHED: LIVE, TOUCHED: no-op } }
tasks: { build: { executor: work, config: {} } }
`;

// Each change of a stack tried its parked events again, and 50 tries give one up.
it("a parked event outlasts any number of events that change nothing, and they change nothing of the stack", async () => {
  const { yard, listParked, listDeadLetters, listOutcomes } = createTrial({ source: SOURCE, script: () => NEVER });
  await yard.publish({ id: "e1", stackId: "pr-1", event: "OPENED", machine: "app" });
  await yard.publish({ id: "e2", stackId: "pr-1", event: "PUSHED" });
  await yard.publish({ id: "t0", stackId: "pr-1", event: "TOUCHED", metadata: { sha: "a1b2" } });
  await yard.settle();
  const version = async () => (await yard.store.load(["pr-1"]))[0]?.version;
  const [before, tries] = [await version(), await listParked("pr-1")];

  for (let n = 1; n <= 60; n += 1) {
    await yard.publish({ id: `t${n}`, stackId: "pr-1", event: "TOUCHED", metadata: { sha: "a1b2" } });
    await yard.settle();
  }

  expect(tries).toEqual([expect.stringMatching(/^e2 EVENT_NOT_HANDLED tried \d$/)]);
  expect(await listParked("pr-1")).toEqual(tries);
  expect(await listDeadLetters()).toEqual([]);
  expect(await version()).toBe(before);
  expect((await listOutcomes("pr-1")).filter((line) => line === "TOUCHED applied")).toHaveLength(61);
});
