import { describe, expect, it } from "vitest";
import { createSimulation } from "../machine/simulation/simulation.ts";
import { createTrial } from "../testing/trial.ts";

const source = `
version: 2
events: [OPENED, PUSHED, READY]
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { on: { READY: LIVE } }
  LIVE: { on: { PUSHED: DONE } }
  DONE: {}
tasks:
  none: { executor: work, config: {} }
`;

async function playInEngine(events: readonly string[]): Promise<string | undefined> {
  const { yard } = createTrial({ source });
  for (const [index, event] of events.entries()) {
    await yard.publish({ id: `e${index}`, stackId: "pr-1", event, machine: "app" });
    await yard.settle();
  }
  return (await yard.findStack("pr-1"))?.state;
}

async function playInSimulation(events: readonly string[]): Promise<string | undefined> {
  const located = await createTrial({ source }).locator.find("app");
  if (located.kind !== "found") throw new Error("The machine has errors.");
  const simulation = createSimulation(new Map([["app", located.machine]]));
  const lines = events.map((event) => simulation.step({ event: { stackId: "pr-1", event, machine: "app" } }));
  return lines.at(-1)?.stack?.state;
}

describe("simulate and the engine", () => {
  it("end in the same state when each event comes in its turn", async () => {
    const events = ["OPENED", "READY", "PUSHED"];

    expect([await playInEngine(events), await playInSimulation(events)]).toEqual(["DONE", "DONE"]);
  });

  it("parks an early event in the engine and applies it when its turn comes", async () => {
    expect(await playInEngine(["OPENED", "PUSHED", "READY"])).toBe("DONE");
  });

  // The engine parks an early event outside the decision that both share, and a simulation does not park: it ends in
  // LIVE. The test passes once parking is part of the shared decision; then remove `.fails`.
  it.fails("end in the same state when an event comes early", async () => {
    const events = ["OPENED", "PUSHED", "READY"];

    expect(await playInSimulation(events)).toBe(await playInEngine(events));
  });
});
