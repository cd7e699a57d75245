import { readFileSync } from "node:fs";
import { parseMachine } from "@stackyard/core/machine";
import { createSimulator } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { delay } from "./delay.ts";

const source = readFileSync(new URL("../machines/tea.yml", import.meta.url), "utf8");
const { machine, problems } = parseMachine(source, { name: "tea", executors: new Map([["delay", delay]]) });

/** A yard in memory and in virtual time, with one cup that is being brewed. */
async function startYard(options: { crashRate?: number } = {}) {
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  const yard = createSimulator({ machines: [{ machine, source }], executors: [delay], ...options });
  await yard.publish({ stackId: "cup-1", machine: "tea", event: "BREW" });
  return yard;
}

describe("delay", () => {
  it("takes the config that the machine gives it", () => {
    expect(problems).toEqual([]);
  });

  it("waits as long as it is told, and not longer", async () => {
    const yard = await startYard();

    await yard.advance(179_000);
    expect(await yard.findStack("cup-1")).toMatchObject({ state: "BREWING" });

    await yard.advance(2_000);
    expect(await yard.findStack("cup-1")).toMatchObject({ state: "READY" });
  });

  it("gets there although every fifth call of the store kills the process", async () => {
    const yard = await startYard({ crashRate: 0.2 });

    await yard.advance(600_000);

    expect(await yard.findStack("cup-1")).toMatchObject({ state: "READY" });
    expect(yard.crashes()).toBeGreaterThan(0);
  });

  it("ends when it is cancelled", async () => {
    const yard = await startYard();
    await yard.advance(60_000);

    await yard.publish({ stackId: "cup-1", event: "CANCEL_TASK", task: { name: "draw" } });
    await yard.advance(60_000);

    const [task] = (await yard.findStack("cup-1"))?.tasks ?? [];
    expect(task).toMatchObject({ status: "ERROR", errorMessage: expect.stringContaining("cancelled") });
  });
});
